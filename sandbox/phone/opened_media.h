#pragma once
// A decrypted file of a message on its way to whoever wants to see it: verified as a whole before anything is given.

#include <cstdint>
#include <string>

#include "net/body_stream.h"

namespace wharf::sandbox {

struct OpenedMedia {
  std::uint64_t size = 0;
  std::string bytes;     // the whole of a short file
  net::BodySource more;  // set: a long one, which is read and decrypted for a second time
};

}  // namespace wharf::sandbox
