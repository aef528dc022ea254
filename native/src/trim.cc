// Gives memory that was freed back to the system.
#include <malloc.h>

#include "functions.h"

namespace fauxboot {

void TrimMemory(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace fauxboot
