#pragma once
// vCard 3.0 (RFC 2426) as WhatsApp shows it: a name, a number with its WhatsApp id, an organisation.

#include <string>
#include <string_view>

namespace wharf::api {

struct Card {
  std::string name, phone_digits, organization;
};
std::string vcard_of(const Card& card);
/// Begins and ends as one, and holds no control characters but line ends and tabs.
bool is_vcard(std::string_view text);

}  // namespace wharf::api
