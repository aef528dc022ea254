#include "arguments.h"

#include <climits>
#include <cmath>

namespace fauxboot {

uintptr_t Word(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a number");
  // The comparison is made in doubles, which hold both bounds exactly; NaN fails it.
  constexpr double kLargestExact = 9007199254740991.0;  // 2^53 - 1
  constexpr double kLargest = UINTPTR_MAX < (1ULL << 53) ? static_cast<double>(UINTPTR_MAX) : kLargestExact;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= kLargest) || std::trunc(number) != number) {
    throw Napi::RangeError::New(value.Env(), std::string(what) + " must be an unsigned integer of the machine");
  }
  return static_cast<uintptr_t>(number);
}

int Descriptor(const Napi::Value& value, const char* what) {
  const uintptr_t number = Word(value, what);
  if (number > INT_MAX) throw Napi::RangeError::New(value.Env(), std::string(what) + " must be a file descriptor");
  return static_cast<int>(number);
}

std::string Text(const Napi::Value& value, const char* what) {
  if (!value.IsString()) throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) {
    throw Napi::RangeError::New(value.Env(), std::string(what) + " must not contain NUL");
  }
  return text;
}

}  // namespace fauxboot
