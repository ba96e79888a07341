#pragma once

#include <memory>

namespace bobbin::net {

template <auto kFree>
struct CFreer {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

// What a C library has made, freed by its function: `using Certificate = CPointer<X509, X509_free>;`
template <class T, auto kFree>
using CPointer = std::unique_ptr<T, CFreer<kFree>>;

}  // namespace bobbin::net
