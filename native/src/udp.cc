// UDP for a transfer: one call receives many data packets of TFTP that come in order, and acknowledges them, without
// JavaScript. Whatever else comes is returned as it is.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

/// RFC 1350 section 5: an operation and a block number, 16 bits each.
constexpr size_t kHeader = 4;
constexpr uint8_t kData = 3;
constexpr uint8_t kAck = 4;
/// Bytes of a datagram beyond the block size that are kept: an ERROR may be longer than a block.
constexpr size_t kExcess = 516;
/// The largest payload of a UDP datagram on IPv4.
constexpr size_t kLargest = 65507;
/// Datagrams of one system call.
constexpr size_t kBatch = 32;
/// A window of at least so many blocks is worth a nap that lets some of them gather.
constexpr size_t kWideWindow = 8;
/// The shortest nap, us. The kernel's timer slack makes about 60 of it.
constexpr useconds_t kNap = 1;
/// Silence after which a call returns, and how long it receives at most: JavaScript keeps the time of everything else.
constexpr timeval kSilence{0, 50'000};
constexpr int64_t kLongestMs = 100;

int64_t Milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

/// @throws RangeError unless `address` is an IPv4 address
sockaddr_in Endpoint(const Napi::Value& address, const Napi::Value& port) {
  sockaddr_in endpoint{};
  endpoint.sin_family = AF_INET;
  endpoint.sin_port = htons(static_cast<uint16_t>(Within(port, "port", UINT16_MAX)));
  if (inet_pton(AF_INET, Text(address, "address").c_str(), &endpoint.sin_addr) != 1) {
    throw Napi::RangeError::New(address.Env(), "address must be an IPv4 address");
  }
  return endpoint;
}

/// The data packets that a call may take: all from one peer, of full length, one after the other.
struct Expectation {
  sockaddr_in peer;
  uint16_t next;
  size_t block_size;
  /// blocks between two ACKs, and those since the last one
  size_t window;
  size_t unacked;
};

struct Datagram {
  std::vector<uint8_t> bytes;
  sockaddr_in from;
};

class Receive final : public Napi::AsyncWorker {
 public:
  /// Any datagram, once.
  /// @param wait for one, or take only one that has come
  Receive(Napi::Env env, int fd, bool wait)
      : Napi::AsyncWorker(env, "fauxboot"),
        deferred_(Napi::Promise::Deferred::New(env)),
        fd_(fd),
        flags_(wait ? MSG_WAITFORONE : MSG_DONTWAIT),
        scratch_(kLargest),
        slots_(scratch_.data()),
        slot_size_(kLargest) {}

  /// @param memory for blocks in order; it must not be detached meanwhile
  Receive(Napi::Env env, int fd, Napi::Uint8Array memory, const Expectation& expectation)
      : Napi::AsyncWorker(env, "fauxboot"),
        deferred_(Napi::Promise::Deferred::New(env)),
        fd_(fd),
        expected_(true),
        expectation_(expectation),
        memory_(Napi::Reference<Napi::ArrayBuffer>::New(memory.ArrayBuffer(), 1)),
        slots_(memory.Data()),
        slot_size_(expectation.block_size),
        capacity_(memory.ByteLength() / expectation.block_size) {}

  Napi::Value Promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const int64_t end = Milliseconds() + kLongestMs;
    std::array<std::array<uint8_t, kHeader>, kBatch> headers;
    std::array<std::array<uint8_t, kExcess>, kBatch> excess;
    std::array<std::array<iovec, 3>, kBatch> parts;
    std::array<sockaddr_in, kBatch> senders;
    std::array<mmsghdr, kBatch> messages;
    bool dense = false;
    do {
      // Each datagram of a dense window would wake this thread: the wake-up costs more than the datagram.
      if (dense) usleep(kNap);
      const size_t count = std::min({kBatch, capacity_ - blocks_, expected_ ? expectation_.window : 1});
      for (size_t i = 0; i < count; i++) {
        parts[i] = {iovec{headers[i].data(), kHeader}, iovec{slots_ + (blocks_ + i) * slot_size_, slot_size_},
                    iovec{excess[i].data(), kExcess}};
        messages[i].msg_hdr = {&senders[i], sizeof senders[i], parts[i].data(), parts[i].size(), nullptr, 0, 0};
      }
      const int received = recvmmsg(fd_, messages.data(), static_cast<unsigned>(count), flags_, nullptr);
      if (received < 0) {
        // An error of the network is a datagram lost, and must not make JavaScript call again at once.
        if (errno != EAGAIN && errno != EINTR) usleep(kSilence.tv_usec);
        return;
      }
      for (size_t i = 0; i < static_cast<size_t>(received); i++) {
        const size_t length = messages[i].msg_len;
        if (others_.empty() && IsNext(headers[i], length, senders[i])) {
          Take();
          continue;
        }
        Datagram& other = others_.emplace_back(Datagram{std::vector<uint8_t>(length), senders[i]});
        size_t copied = 0;
        for (const iovec& part : parts[i]) {
          const size_t size = std::min(part.iov_len, length - copied);
          memcpy(other.bytes.data() + copied, part.iov_base, size);
          copied += size;
        }
      }
      // A slow network brings one at a time: then a nap is a wake-up too many.
      dense = expectation_.window >= kWideWindow && expectation_.unacked > 0 && (received > 1 || expectation_.unacked == 1);
    } while (others_.empty() && blocks_ < capacity_ && Milliseconds() < end);
  }

  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object result = Napi::Object::New(env);
    result.Set("blocks", static_cast<double>(blocks_));
    result.Set("unacked", static_cast<double>(expectation_.unacked));
    Napi::Array others = Napi::Array::New(env, others_.size());
    for (uint32_t i = 0; i < others_.size(); i++) {
      const auto& [bytes, from] = others_[i];
      char address[INET_ADDRSTRLEN];
      inet_ntop(AF_INET, &from.sin_addr, address, sizeof address);
      Napi::Object other = Napi::Object::New(env);
      other.Set("bytes", Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size()));
      other.Set("address", address);
      other.Set("port", ntohs(from.sin_port));
      others.Set(i, other);
    }
    result.Set("others", others);
    deferred_.Resolve(result);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  bool IsNext(const std::array<uint8_t, kHeader>& header, size_t length, const sockaddr_in& from) const {
    if (!expected_ || length != kHeader + expectation_.block_size) return false;
    const auto& [peer, next, block_size, window, unacked] = expectation_;
    if (from.sin_port != peer.sin_port || from.sin_addr.s_addr != peer.sin_addr.s_addr) return false;
    return header[0] == 0 && header[1] == kData && (header[2] << 8 | header[3]) == next;
  }

  /// RFC 7440 section 4: an ACK after a window.
  void Take() {
    blocks_++;
    if (++expectation_.unacked >= expectation_.window) {
      const uint16_t block = expectation_.next;
      const uint8_t ack[kHeader] = {0, kAck, static_cast<uint8_t>(block >> 8), static_cast<uint8_t>(block)};
      // An ACK that cannot be sent is an ACK lost.
      sendto(fd_, ack, sizeof ack, 0, reinterpret_cast<const sockaddr*>(&expectation_.peer), sizeof expectation_.peer);
      expectation_.unacked = 0;
    }
    expectation_.next++;
  }

  Napi::Promise::Deferred deferred_;
  int fd_;
  int flags_ = MSG_WAITFORONE;
  bool expected_ = false;
  Expectation expectation_{};
  Napi::Reference<Napi::ArrayBuffer> memory_;
  std::vector<uint8_t> scratch_;
  uint8_t* slots_;
  size_t slot_size_;
  size_t capacity_ = 1;
  size_t blocks_ = 0;
  std::vector<Datagram> others_;
};

/// A socket that is closed unless it is released.
class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

}  // namespace

Napi::Value OpenUdp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  sockaddr_in own = Endpoint(info[0], info[1]);
  const int wanted = static_cast<int>(Within(info[2], "bufferBytes", INT_MAX));
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw SystemError(env, {errno, "socket"});
  Socket socket(fd);
  // The system may give less: see net.core.rmem_max.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  int buffer = 0;
  socklen_t length = sizeof buffer;
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, &length);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kSilence, sizeof kSilence);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) throw SystemError(env, {errno, "bind"});
  length = sizeof own;
  getsockname(fd, reinterpret_cast<sockaddr*>(&own), &length);
  Napi::Object result = Napi::Object::New(env);
  result.Set("fd", socket.Release());
  result.Set("port", ntohs(own.sin_port));
  result.Set("bufferBytes", buffer);
  return result;
}

void SendUdp(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const Napi::Uint8Array datagram = Bytes(info[1], "datagram");
  const sockaddr_in to = Endpoint(info[2], info[3]);
  // A datagram that cannot be sent is a datagram lost.
  sendto(fd, datagram.Data(), datagram.ByteLength(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

Napi::Value ReceiveUdp(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const int fd = Descriptor(info[0], "fd");
  Receive* worker;
  if (info[1].IsBoolean()) {
    worker = new Receive(env, fd, info[1].As<Napi::Boolean>());
  } else {
    const Napi::Uint8Array memory = Bytes(info[1], "memory");
    const Expectation expectation{
        Endpoint(info[2], info[3]),
        static_cast<uint16_t>(Within(info[4], "next", UINT16_MAX)),
        Within(info[5], "blockSize", kLargest - kHeader),
        Within(info[6], "windowSize", UINT16_MAX),
        Within(info[7], "unacked", UINT16_MAX),
    };
    if (expectation.block_size == 0 || expectation.window == 0 || memory.ByteLength() < expectation.block_size) {
      throw Napi::RangeError::New(env, "blockSize and windowSize must not be 0, and memory must hold a block");
    }
    worker = new Receive(env, fd, memory, expectation);
  }
  // It deletes itself once its promise has settled.
  Napi::Value promise = worker->Promise();
  worker->Queue();
  return promise;
}

}  // namespace fauxboot
