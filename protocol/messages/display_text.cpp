// Peers may send strings that are no UTF-8. The bytes are kept where they matter (quotes, tokens, forwarding); people
// and JSON get U+FFFD for each maximal broken part, as the Unicode standard (chapter 3.9) and browsers do.
#include "protocol/messages/content.h"

namespace wharf::protocol {

namespace {

/// Length of the well-formed sequence at `text`, or minus the length of the broken part to replace.
int sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const int length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte is narrower for some leads: no overlong forms, no surrogates, nothing above U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return -1;
  for (int i = 2; i < length; ++i) {
    const unsigned next = byte(static_cast<std::size_t>(i));
    if (next < 0x80 || next > 0xbf) return -i;
  }
  return length;
}

}  // namespace

std::string displayable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const int length = sequence_length(text);
    const auto consumed = static_cast<std::size_t>(length > 0 ? length : -length);
    if (length > 0) out += text.substr(0, consumed);
    else out += "\xEF\xBF\xBD";
    text.remove_prefix(consumed);
  }
  return out;
}

}  // namespace wharf::protocol
