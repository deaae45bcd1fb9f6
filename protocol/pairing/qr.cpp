#include "protocol/pairing/qr.h"

#include <array>

namespace wharf::protocol {

namespace {

constexpr std::string_view deep_link = "https://wa.me/settings/linked_devices#";
constexpr std::size_t max_text_bytes = 4096;  // a QR code cannot hold more

/// Cuts the part behind the last comma off `rest`; nullopt without a comma.
std::optional<std::string_view> last_field(std::string_view& rest) {
  const std::size_t comma = rest.rfind(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view field = rest.substr(comma + 1);
  rest = rest.substr(0, comma);
  return field;
}

std::optional<Key32> key_of(std::string_view base64) {
  const auto bytes = from_base64(base64);
  if (!bytes) return std::nullopt;
  return exactly<32>(*bytes);
}

}  // namespace

std::string qr_text(const PairingQr& qr) {
  std::string text(deep_link);
  text += qr.ref + ',' + to_base64(qr.noise) + ',' + to_base64(qr.identity) + ',' + to_base64(qr.adv_secret);
  if (qr.client_type != '\0') text += std::string(",") + qr.client_type;
  return text;
}

Result<PairingQr> parse_qr_text(std::string_view text) {
  if (text.size() > max_text_bytes) return Error(Errc::malformed, "QR text is too long");
  // Refs hold no '#', so everything up to the first one is the deep link, whatever its address.
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos) text = text.substr(hash + 1);

  PairingQr qr;
  // A one-character last field is the client type: keys are 44 characters long.
  if (const std::size_t comma = text.rfind(','); comma != std::string_view::npos && text.size() - comma == 2) {
    qr.client_type = text.back();
    text = text.substr(0, comma);
  } else {
    qr.client_type = '\0';
  }
  const auto adv = last_field(text);
  const auto identity = last_field(text);
  const auto noise = last_field(text);
  if (!adv || !identity || !noise || text.empty()) return Error(Errc::malformed, "QR text needs four or five fields");
  const auto noise_key = key_of(*noise), identity_key = key_of(*identity), adv_key = key_of(*adv);
  if (!noise_key || !identity_key || !adv_key) return Error(Errc::malformed, "QR keys must be 32 bytes of base64");
  qr.ref = text;
  qr.noise = *noise_key;
  qr.identity = *identity_key;
  qr.adv_secret = *adv_key;
  return qr;
}

char client_type_of(std::uint32_t platform_type) {
  switch (platform_type) {
    case 1: return '1';   // CHROME
    case 6: return '2';   // EDGE
    case 2: return '3';   // FIREFOX
    case 3: return '4';   // IE
    case 4: return '5';   // OPERA
    case 5: return '6';   // SAFARI
    case 7: return '7';   // DESKTOP
    case 21: return '8';  // UWP
    default: return '9';  // other web client
  }
}

}  // namespace wharf::protocol
