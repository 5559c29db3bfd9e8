#include "server/net/connection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "server/net/request_trace.h"
#include "server/net/run_turn.h"
#include "slab/assert.h"

namespace larder {

namespace {

// What is read at a time. A longer value is read into its item instead.
constexpr size_t kReadBytes = kSessionInputBytes;

// How much of a large value is read before others have a turn.
constexpr size_t kBodyBytesPerTurn = size_t{1} << 20;

bool IsBlocked(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// How clients leave who do not wait for their replies.
bool IsHangup(int error) {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == ECONNABORTED;
}

void LogFailure(const Stream& stream, const char* what, int error) {
  fprintf(stderr, "<%d failed to %s, and not due to blocking: %s\n", stream.fd(), what,
          stream.ErrorText(error).c_str());
}

}  // namespace

Connection::Connection(Stream stream, const ConnectionTraits& traits, EngineWorker* worker,
                       const Now& now)
    : stream_(std::move(stream)),
      worker_(worker),
      session_(
          worker,
          {.protocol = traits.protocol, .connection_id = stream_.fd(), .trace = &PrintRequest}),
      output_(&worker->output_blocks()),
      peer_(traits.peer),
      active_tick_(now.tick.seconds) {}

Connection::Wait Connection::OnReadable(LoopTurn* turn) {
  for (size_t received_bytes = 0;;) {
    const Received received = Receive(turn);
    if (received.bytes <= 0) return OnReceiveFailed(received.bytes, errno);
    MarkActive(turn->now);
    worker_->counters().bytes_read.Add(received.bytes);
    received_bytes += static_cast<size_t>(received.bytes);
    const Wait wait = Execute(received.input, turn);
    // All the room there was has been filled, so the rest of the value has probably arrived too.
    const bool may_read =
        wait == Wait::kInput || (wait == Wait::kTurn && next_ == Session::Next::kRead);
    const bool go_on = may_read && received.filled && !session_.BodyRoom().empty() &&
                       received_bytes < kBodyBytesPerTurn;
    if (!go_on) return wait;
  }
}

Connection::Wait Connection::OnWritable(LoopTurn* turn) {
  if (output_.empty() && stream_.receive_wants_room()) return OnReadable(turn);
  MarkActive(turn->now);
  if (!Send(turn)) return Wait::kClosed;
  const Wait wait = WaitForNext();
  // A watcher may have missed that it was woken.
  const bool resume = wait == Wait::kTurn || (wait == Wait::kInput && watching());
  return resume ? Resume(turn) : wait;
}

// A session that wants input has its turn only if the stream has some that needs no waiting for.
Connection::Wait Connection::Resume(LoopTurn* turn) {
  const bool wants_input = next_ == Session::Next::kRead && !watching();
  return wants_input ? OnReadable(turn) : Execute(held_, turn);
}

bool Connection::IsIdle(const Now& now, int seconds) const {
  return now.tick.seconds - active_tick() > static_cast<uint32_t>(seconds);
}

Connection::Received Connection::Receive(LoopTurn* turn) {
  if (const std::span<char> room = session_.BodyRoom(); !room.empty()) {
    return ReceiveBody(room, turn);
  }
  // What was held goes before what arrives, so that the session sees one piece.
  const size_t held = held_.size();
  char* const buffer = turn->input->AtLeast(held + kReadBytes);
  if (held > 0) memcpy(buffer, held_.data(), held);
  const ssize_t bytes = stream_.Receive(buffer + held, kReadBytes);
  if (bytes <= 0) return {.bytes = bytes};
  return {.bytes = bytes,
          .input = {buffer, held + static_cast<size_t>(bytes)},
          .filled = static_cast<size_t>(bytes) == kReadBytes};
}

// The value goes where it is to stay, and what follows it into the lent buffer, in one system call.
Connection::Received Connection::ReceiveBody(std::span<char> room, LoopTurn* turn) {
  LARDER_CHECK(held_.empty());
  char* const buffer = turn->input->AtLeast(kReadBytes);
  const iovec pieces[] = {{room.data(), room.size()}, {buffer, kReadBytes}};
  const ssize_t bytes = stream_.Receive(pieces);
  if (bytes <= 0) return {.bytes = bytes};
  const size_t body_bytes = std::min(static_cast<size_t>(bytes), room.size());
  session_.BodyReceived(body_bytes);
  return {.bytes = bytes,
          .input = {buffer, static_cast<size_t>(bytes) - body_bytes},
          .filled = static_cast<size_t>(bytes) == room.size() + kReadBytes};
}

// A client that has sent all it wanted may have closed its half of the connection only. It has its
// replies then: nothing is read while there are any to be sent.
Connection::Wait Connection::OnReceiveFailed(ssize_t bytes, int error) {
  if (bytes < 0 && IsBlocked(error)) {
    return stream_.receive_wants_room() ? Wait::kRoom : Wait::kInput;
  }
  if (bytes < 0 && !IsHangup(error) && verbosity() > 0) LogFailure(stream_, "read", error);
  failed_ = bytes < 0;
  return Wait::kClosed;
}

Connection::Wait Connection::Execute(std::string_view input, LoopTurn* turn) {
  // What is there is known to be too little: it need not be looked at again.
  if (!input.empty() && next_ == Session::Next::kRead &&
      input.size() < session_.min_input_bytes()) {
    Hold(input);
    return WaitForNext();
  }
  SetState(State::kExecuting);
  const Session::Result result = RunTurn(worker_, &session_, input, turn->now, &output_);
  next_ = result.next;
  if (!Send(turn)) return Wait::kClosed;
  Hold(input.substr(result.consumed));
  return WaitForNext();
}

// Sends until all is gone or the socket takes no more. False if the client is gone.
bool Connection::Send(LoopTurn* turn) {
  while (!output_.empty()) {
    const size_t count = output_.Gather(turn->pieces);
    size_t bytes = 0;
    for (const iovec& piece : turn->pieces.first(count)) bytes += piece.iov_len;
    const ssize_t sent = stream_.Send(turn->pieces.first(count), turn->records);
    if (sent < 0) {
      const int error = errno;
      if (!IsBlocked(error) && !IsHangup(error) && verbosity() > 0) {
        LogFailure(stream_, "send", error);
      }
      failed_ = !IsBlocked(error);
      return !failed_;
    }
    worker_->counters().bytes_written.Add(sent);
    output_.Sent(static_cast<size_t>(sent));
    if (static_cast<size_t>(sent) < bytes) return true;
  }
  return true;
}

Connection::Wait Connection::WaitForNext() {
  if (!output_.empty()) {
    SetState(State::kSending);
    return Wait::kRoom;
  }
  switch (next_) {
    case Session::Next::kRead:
      if (stream_.has_unread()) [[unlikely]] {
        SetState(State::kYielded);
        return Wait::kTurn;
      }
      if (session_.watching()) [[unlikely]] {
        SetState(State::kWatching);
        return Wait::kInput;
      }
      SetState(session_.BodyRoom().empty() ? State::kReading : State::kReceivingBody);
      return Wait::kInput;
    case Session::Next::kYield:
    case Session::Next::kFlush:
      SetState(State::kYielded);
      return Wait::kTurn;
    case Session::Next::kClose:
      break;
  }
  SetState(State::kClosing);
  return Wait::kClosed;
}

// Keeps `rest`, which may be the end of what is held already, and nothing more.
void Connection::Hold(std::string_view rest) {
  if (rest.empty() && held_.empty()) return;
  if (rest.empty()) {
    std::string().swap(held_);
  } else if (!held_.empty() && rest.data() + rest.size() == held_.data() + held_.size()) {
    held_.erase(0, held_.size() - rest.size());
  } else {
    held_.assign(rest);
  }
  held_bytes_.store(static_cast<uint32_t>(held_.size()), std::memory_order_relaxed);
}

void Connection::MarkActive(const Now& now) {
  active_tick_.store(now.tick.seconds, std::memory_order_relaxed);
}

void Connection::SetState(State state) {
  if (verbosity() > 2) [[unlikely]] {
    const State old = state_.load(std::memory_order_relaxed);
    if (old != state) {
      fprintf(stderr, "%d: going from %s to %s\n", fd(), StateName(old), StateName(state));
    }
  }
  state_.store(state, std::memory_order_relaxed);
}

const char* Connection::StateName(State state) {
  switch (state) {
    case State::kReading:
      return "conn_read";
    case State::kExecuting:
      return "conn_parse_cmd";
    case State::kReceivingBody:
      return "conn_nread";
    case State::kSending:
      return "conn_mwrite";
    case State::kYielded:
      return "conn_new_cmd";
    case State::kWatching:
      return "conn_watch";
    case State::kClosing:
      break;
  }
  return "conn_closing";
}

ConnectionInfo Connection::Info(const Now& now) const {
  // Another worker's turn may have begun after this one's.
  const uint32_t active = std::min(active_tick(), now.tick.seconds);
  return {.id = fd(),
          .address = AddressText(peer_),
          .listen_address = AddressText(LocalAddress(fd())),
          .state = StateName(state_.load(std::memory_order_relaxed)),
          .idle_seconds = now.tick.seconds - active};
}

}  // namespace larder
