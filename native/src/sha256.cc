// sha256 off the event loop. The OpenSSL that Node brings computes it: it is found in this process, because the addon is linked
// to nothing but the C library.
#include <dlfcn.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

constexpr size_t kDigest = 32;

/// The functions in use: EVP_DigestInit(3), the same in OpenSSL 1.1 and 3.
struct OpenSsl {
  void* (*create)();
  void (*destroy)(void* context);
  const void* (*sha256)();
  int (*init)(void* context, const void* type, void* engine);
  int (*update)(void* context, const void* bytes, size_t size);
  int (*finish)(void* context, unsigned char* digest, unsigned int* size);
};

template <typename Function>
bool Find(const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return function != nullptr;
}

/// @return nullptr if this Node has its OpenSSL out of reach
const OpenSsl* FindOpenSsl() {
  static OpenSsl found;
  static const bool complete = Find("EVP_MD_CTX_new", found.create) && Find("EVP_MD_CTX_free", found.destroy) &&
                               Find("EVP_sha256", found.sha256) && Find("EVP_DigestInit_ex", found.init) &&
                               Find("EVP_DigestUpdate", found.update) && Find("EVP_DigestFinal_ex", found.finish);
  return complete ? &found : nullptr;
}

/// A digest that takes more bytes; one call at a time uses it.
class Digest {
 public:
  explicit Digest(const OpenSsl& openssl)
      : openssl_(openssl), context_(openssl.create(), openssl.destroy) {
    usable_ = context_ != nullptr && openssl.init(context_.get(), openssl.sha256(), nullptr) == 1;
  }

  bool Usable() const { return usable_; }
  bool Update(const uint8_t* bytes, size_t size) { return openssl_.update(context_.get(), bytes, size) == 1; }
  bool Finish(std::array<uint8_t, kDigest>& digest) {
    usable_ = false;
    return openssl_.finish(context_.get(), digest.data(), nullptr) == 1;
  }

  bool busy = false;

 private:
  const OpenSsl& openssl_;
  std::unique_ptr<void, void (*)(void*)> context_;
  bool usable_ = false;
};

/// Bytes from JavaScript that stay in memory.
struct Chunk {
  const uint8_t* data;
  size_t size;
  Napi::Reference<Napi::ArrayBuffer> memory;
};

/// @throws TypeError, RangeError
std::vector<Chunk> ReadChunks(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  if (!value.IsArray()) throw Napi::TypeError::New(env, "chunks must be an array");
  const auto list = value.As<Napi::Array>();
  // Reading an array may run JavaScript, which may detach a buffer: no address is taken before the last element is read.
  std::vector<Napi::Uint8Array> arrays;
  for (uint32_t i = 0; i < list.Length(); i++) arrays.push_back(Bytes(list.Get(i), "chunk"));
  std::vector<Chunk> chunks;
  for (const Napi::Uint8Array& bytes : arrays) {
    const Napi::ArrayBuffer memory = bytes.ArrayBuffer();
    if (!memory.IsArrayBuffer()) throw Napi::TypeError::New(env, "chunk must not be shared memory");
    chunks.push_back({bytes.Data(), bytes.ByteLength(), Napi::Reference<Napi::ArrayBuffer>::New(memory, 1)});
  }
  return chunks;
}

/// @throws Error while a call uses the digest, and once it has ended
void CheckFree(Napi::Env env, const Digest& digest) {
  if (digest.busy) throw Napi::Error::New(env, "the last update has not ended");
  if (!digest.Usable()) throw Napi::Error::New(env, "the digest has ended");
}

Napi::Value Update(const Napi::CallbackInfo& info, const std::shared_ptr<Digest>& digest) {
  CheckFree(info.Env(), *digest);
  auto chunks = std::make_shared<std::vector<Chunk>>(ReadChunks(info[0]));
  digest->busy = true;
  return Run(
      info.Env(),
      [digest, chunks]() -> Outcome {
        for (const Chunk& chunk : *chunks) {
          if (!digest->Update(chunk.data, chunk.size)) return {EIO, "EVP_DigestUpdate"};
        }
        return {0, "EVP_DigestUpdate"};
      },
      [digest, chunks](const Outcome& outcome) {
        digest->busy = false;
        return outcome;
      });
}

Napi::Value Finish(const Napi::CallbackInfo& info, const std::shared_ptr<Digest>& digest) {
  CheckFree(info.Env(), *digest);
  std::array<uint8_t, kDigest> bytes;
  if (!digest->Finish(bytes)) throw SystemError(info.Env(), {EIO, "EVP_DigestFinal_ex"});
  return Napi::Buffer<uint8_t>::Copy(info.Env(), bytes.data(), bytes.size());
}

}  // namespace

Napi::Value Sha256(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const OpenSsl* openssl = FindOpenSsl();
  if (openssl == nullptr) return env.Null();
  auto digest = std::make_shared<Digest>(*openssl);
  if (!digest->Usable()) return env.Null();
  Napi::Object result = Napi::Object::New(env);
  result.Set("update", Napi::Function::New(
                           env, [digest](const Napi::CallbackInfo& call) { return Update(call, digest); }, "update"));
  result.Set("digest", Napi::Function::New(
                           env, [digest](const Napi::CallbackInfo& call) { return Finish(call, digest); }, "digest"));
  return result;
}

}  // namespace fauxboot
