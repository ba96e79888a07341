#include "src/upstream/local_probe.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>

#include "src/upstream/model_ids.h"

namespace bobbin::upstream {
namespace {

namespace dom = simdjson::dom;

constexpr std::array<LocalServer, 4> kServers = {
    {{"Ollama", 11434}, {"LM Studio", 1234}, {"llama.cpp", 8080}, {"vLLM", 8000}}};

// What the ids of models have in them that turn text into vectors or scores, or read and write sound.
constexpr std::string_view kNotForChat[] = {"embed", "rerank", "bge-", "minilm", "gte-", "e5-", "whisper", "tts"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

bool can_chat(std::string_view id) {
  const std::string name = lower(id);
  return std::none_of(std::begin(kNotForChat), std::end(kNotForChat),
                      [&name](std::string_view part) { return name.find(part) != std::string::npos; });
}

bool is_bobbin(std::string_view server) {
  const std::string name = lower(server);
  return name == "bobbin" || name.starts_with("bobbin/") || name.starts_with("bobbin ");
}

std::string_view text_of(const simdjson::simdjson_result<dom::element>& field) {
  std::string_view text;
  if (field.get(text) != simdjson::SUCCESS) return {};
  return text;
}

Judgement judge_list(const dom::array& models) {
  Judgement judgement{.verdict = ProbeVerdict::no_model, .model = ""};
  for (const dom::element entry : models) {
    dom::object model;
    if (entry.get(model) != simdjson::SUCCESS) return {.verdict = ProbeVerdict::not_a_model_server, .model = ""};
    if (lower(text_of(model["owned_by"])) == "bobbin") return {.verdict = ProbeVerdict::another_bobbin, .model = ""};
    const std::string_view id = text_of(model["id"]);
    // All entries are looked at, as any of them may tell a Bobbin; the first usable one is taken.
    if (is_model_id(id) && judgement.model.empty() && can_chat(id))
      judgement = {.verdict = ProbeVerdict::usable, .model = std::string(id)};
  }
  return judgement;
}

}  // namespace

std::span<const LocalServer> usual_local_servers() noexcept { return kServers; }

Judgement judge_models_answer(int32_t status, std::string_view server, std::string_view body) {
  if (is_bobbin(server)) return {.verdict = ProbeVerdict::another_bobbin, .model = ""};
  Judgement none{.verdict = ProbeVerdict::not_a_model_server, .model = ""};
  if (status != 200) return none;
  dom::parser parser;
  dom::object document;
  if (parser.parse(simdjson::padded_string(body)).get(document) != simdjson::SUCCESS) return none;
  const simdjson::simdjson_result<dom::element> data = document["data"];
  dom::array models;
  if (data.get(models) == simdjson::SUCCESS) return judge_list(models);
  // Ollama without a model lists `null`.
  dom::element null;
  const bool is_empty = data.get(null) == simdjson::SUCCESS && null.is_null() && text_of(document["object"]) == "list";
  return is_empty ? Judgement{.verdict = ProbeVerdict::no_model, .model = ""} : none;
}

}  // namespace bobbin::upstream
