#pragma once

#include <span>
#include <string_view>

// The page at `/`, built into the binary: nothing is read from disk at run time.
namespace bobbin::web {

// One file of this folder. All views point at static storage.
struct Asset {
  std::string_view path;          // of the request: "/" for index.html, "/app.js" for app.js
  std::string_view content_type;  // with charset
  std::string_view etag;          // strong, with its quotes: the start of the SHA-256 of `bytes`
  std::string_view bytes;
};

// Every asset, in the order of CMakeLists.txt. Thread-safe, never empty.
std::span<const Asset> assets() noexcept;

}  // namespace bobbin::web
