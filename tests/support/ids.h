#pragma once

#include "src/base/uuid.h"

namespace bobbin::test {

// An id whose bytes are all `fill`.
inline Uuid id_of(uint8_t fill) {
  Uuid id;
  id.bytes.fill(fill);
  return id;
}

}  // namespace bobbin::test
