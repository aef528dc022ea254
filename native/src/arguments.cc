#include "arguments.h"

#include <climits>
#include <cmath>

namespace fauxboot {

namespace {

constexpr double kLargestExact = 9007199254740991.0;  // 2^53 - 1

/// An integer from 0 to `largest`, as a double, which holds both bounds exactly. NaN is refused.
double Integer(const Napi::Value& value, const char* what, double largest, const char* must_be) {
  if (!value.IsNumber()) throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= largest) || std::trunc(number) != number) {
    throw Napi::RangeError::New(value.Env(), std::string(what) + " must be " + must_be);
  }
  return number;
}

}  // namespace

uintptr_t Word(const Napi::Value& value, const char* what) {
  constexpr double kLargest = UINTPTR_MAX < (1ULL << 53) ? static_cast<double>(UINTPTR_MAX) : kLargestExact;
  return static_cast<uintptr_t>(Integer(value, what, kLargest, "an unsigned integer of the machine"));
}

int64_t Offset(const Napi::Value& value, const char* what) {
  return static_cast<int64_t>(Integer(value, what, kLargestExact, "an unsigned integer"));
}

int Descriptor(const Napi::Value& value, const char* what) {
  const uintptr_t number = Word(value, what);
  if (number > INT_MAX) throw Napi::RangeError::New(value.Env(), std::string(what) + " must be a file descriptor");
  return static_cast<int>(number);
}

size_t Within(const Napi::Value& value, const char* what, uint32_t largest) {
  const std::string must_be = "an integer from 0 to " + std::to_string(largest);
  return static_cast<size_t>(Integer(value, what, largest, must_be.c_str()));
}

Napi::Uint8Array Bytes(const Napi::Value& value, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(value.Env(), std::string(what) + " must be a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
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
