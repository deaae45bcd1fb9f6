#include "net/websocket_rules.h"

namespace wharf::net {

// The well-formed sequences of Unicode table 3-7: no surrogates, no overlong forms, nothing past U+10FFFF.
bool valid_utf8(std::span<const std::uint8_t> text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::uint8_t lead = text[at];
    if (lead < 0x80) {
      ++at;
      continue;
    }
    std::size_t more = 0;
    std::uint8_t low = 0x80, high = 0xbf;  // of the second byte
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (text.size() - at <= more) return false;
    if (text[at + 1] < low || text[at + 1] > high) return false;
    for (std::size_t i = 2; i <= more; ++i) {
      if ((text[at + i] & 0xc0) != 0x80) return false;
    }
    at += more + 1;
  }
  return true;
}

bool valid_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace wharf::net
