#include <unistd.h>

#include "functions.h"

namespace fauxboot {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("pageSize", Napi::Number::New(env, static_cast<double>(sysconf(_SC_PAGESIZE))));
  exports.Set("addressBits", Napi::Number::New(env, sizeof(void*) * 8));
  exports.Set("load", Napi::Function::New(env, Load, "load"));
  exports.Set("jump", Napi::Function::New(env, Jump, "jump"));
  exports.Set("restart", Napi::Function::New(env, Restart, "restart"));
  exports.Set("powerOff", Napi::Function::New(env, PowerOff, "powerOff"));
  exports.Set("sync", Napi::Function::New(env, Sync, "sync"));
  exports.Set("linkDown", Napi::Function::New(env, LinkDown, "linkDown"));
  exports.Set("map", Napi::Function::New(env, Map, "map"));
  exports.Set("mappedBytes", Napi::Function::New(env, MappedBytes, "mappedBytes"));
  exports.Set("trimMemory", Napi::Function::New(env, TrimMemory, "trimMemory"));
  exports.Set("readMemory", Napi::Function::New(env, ReadMemory, "readMemory"));
  exports.Set("writeMemory", Napi::Function::New(env, WriteMemory, "writeMemory"));
  exports.Set("rawTty", Napi::Function::New(env, RawTty, "rawTty"));
  exports.Set("drainTty", Napi::Function::New(env, DrainTty, "drainTty"));
  exports.Set("watchdogTimeout", Napi::Function::New(env, WatchdogTimeout, "watchdogTimeout"));
  exports.Set("notify", Napi::Function::New(env, Notify, "notify"));
  exports.Set("openUdp", Napi::Function::New(env, OpenUdp, "openUdp"));
  exports.Set("sendUdp", Napi::Function::New(env, SendUdp, "sendUdp"));
  exports.Set("receiveUdp", Napi::Function::New(env, ReceiveUdp, "receiveUdp"));
  return exports;
}

}  // namespace fauxboot

static Napi::Object InitAddon(Napi::Env env, Napi::Object exports) { return fauxboot::Init(env, exports); }

NODE_API_MODULE(fauxboot, InitAddon)
