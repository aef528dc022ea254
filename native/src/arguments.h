// Conversions of JavaScript values that accept nothing by accident: no NaN, no fractions, no wrap, no coercion.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>

namespace fauxboot {

/// An integer from 0 to the largest that both a JavaScript number and a machine word hold exactly.
/// @throws TypeError when it is not a number, RangeError when it is not such an integer
uintptr_t Word(const Napi::Value& value, const char* what);

/// A place in a file: an integer from 0 to 2^53 - 1, on 32-bit machines too.
int64_t Offset(const Napi::Value& value, const char* what);

/// A file descriptor: 0 to INT_MAX.
int Descriptor(const Napi::Value& value, const char* what);

/// A string without NUL, as the kernel can take it.
std::string Text(const Napi::Value& value, const char* what);

}  // namespace fauxboot
