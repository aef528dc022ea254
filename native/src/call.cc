#include "call.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace fauxboot {

namespace {

class Worker final : public Napi::AsyncWorker {
 public:
  Worker(Napi::Env env, Blocking blocking, Afterwards afterwards)
      : Napi::AsyncWorker(env, "fauxboot"),
        deferred_(Napi::Promise::Deferred::New(env)),
        blocking_(std::move(blocking)),
        afterwards_(std::move(afterwards)) {}

  Napi::Value Promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { outcome_ = blocking_(); }

  void OnOK() override {
    if (afterwards_) outcome_ = afterwards_(outcome_);
    if (outcome_.error == 0) {
      deferred_.Resolve(Env().Undefined());
    } else {
      deferred_.Reject(SystemError(Env(), outcome_).Value());
    }
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Blocking blocking_;
  Afterwards afterwards_;
  Outcome outcome_{0, ""};
};

}  // namespace

Outcome ResultOf(const char* syscall, long result) { return {result < 0 ? errno : 0, syscall}; }

Napi::Error SystemError(Napi::Env env, const Outcome& outcome) {
  const char* known = strerrorname_np(outcome.error);
  const std::string name = known ? known : "E" + std::to_string(outcome.error);
  Napi::Error error = Napi::Error::New(env, std::string(outcome.syscall) + ": " + name);
  error.Set("errno", Napi::Number::New(env, -outcome.error));
  error.Set("code", Napi::String::New(env, name));
  error.Set("syscall", Napi::String::New(env, outcome.syscall));
  return error;
}

Napi::Value Run(Napi::Env env, Blocking blocking, Afterwards afterwards) {
  // The worker deletes itself once its promise has settled.
  auto* worker = new Worker(env, std::move(blocking), std::move(afterwards));
  Napi::Value promise = worker->Promise();
  worker->Queue();
  return promise;
}

}  // namespace fauxboot
