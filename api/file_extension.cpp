#include "api/file_extension.h"

#include "media/file_type.h"

namespace wharf::api {

std::string file_extension(protocol::ByteView head) {
  return std::string(media::extension_for_type(media::sniff_type(head)));
}

std::vector<std::string> file_extensions() { return media::known_extensions(); }

}  // namespace wharf::api
