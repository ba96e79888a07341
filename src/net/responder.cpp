#include "src/net/responder.h"

#include "src/net/connection.h"
#include "src/net/http_server.h"

namespace bobbin::net {

void GoneListener::unwatch() noexcept {
  if (connection_ != nullptr) connection_->unwatch();
  connection_ = nullptr;
}

Connection* Responder::find() const noexcept {
  if (server_ == nullptr) return nullptr;
  Connection* connection = server_->connections_.find({slot_, generation_});
  return connection != nullptr && connection->is_open(sequence_) ? connection : nullptr;
}

bool Responder::is_open() const noexcept { return find() != nullptr; }

bool Responder::send(Response&& response) const {
  Connection* connection = find();
  if (connection == nullptr) return false;
  connection->send(std::move(response));
  return true;
}

bool Responder::begin_stream(const StreamHead& head) const {
  Connection* connection = find();
  return connection != nullptr && connection->begin_stream(head);
}

WriteState Responder::write(std::string_view bytes) const {
  Connection* connection = find();
  return connection != nullptr ? connection->write(bytes) : WriteState::gone;
}

bool Responder::end() const {
  Connection* connection = find();
  if (connection == nullptr) return false;
  connection->end_stream();
  return true;
}

void Responder::abort() const {
  if (Connection* connection = find()) connection->close(Code::cancelled);
}

bool Responder::watch(GoneListener& listener) const {
  Connection* connection = find();
  if (connection == nullptr) return false;
  connection->watch(listener);
  return true;
}

}  // namespace bobbin::net
