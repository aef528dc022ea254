// Strict conversions of JavaScript values: they refuse NaN, fractions, overflow and coercion.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace fauxboot {

/// An integer from 0 to the largest that both a JavaScript number and a machine word hold exactly.
/// @throws TypeError if the value is not a number, RangeError if it is not such an integer
uintptr_t Word(const Napi::Value& value, const char* what);

/// An offset in a file, or a time in seconds: an integer from 0 to 2^53 - 1, even on 32-bit machines.
int64_t Offset(const Napi::Value& value, const char* what);

/// A file descriptor: 0 to INT_MAX.
int Descriptor(const Napi::Value& value, const char* what);

/// An integer from 0 to `largest`.
size_t Within(const Napi::Value& value, const char* what, uint32_t largest);

/// A Uint8Array. Its memory may be shared or detached.
Napi::Uint8Array Bytes(const Napi::Value& value, const char* what);

/// A string without NUL, which C functions accept.
std::string Text(const Napi::Value& value, const char* what);

}  // namespace fauxboot
