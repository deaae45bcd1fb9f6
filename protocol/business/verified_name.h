#pragma once
// The name WhatsApp attests to a business. Nobody can check the signature of its certificate: it is untrusted text.
// Specification 02 section 10, 05 sections 6.2 and 9.

#include <optional>
#include <string>

#include "protocol/binary/node.h"

namespace wharf::protocol {

struct VerifiedName {
  std::string name;    // one line
  std::string issuer;  // ent:wa of the API, smb:wa of the app
  std::string level;   // verified_level: unknown, low, high; "" = not said
  std::optional<std::uint64_t> serial, issued_at;
  Bytes certificate = {};  // VerifiedNameCertificate as it came, at most 16 KiB
  friend bool operator==(const VerifiedName&, const VerifiedName&) = default;
};

/// Of a <verified_name>; nullopt when its certificate names nothing.
std::optional<VerifiedName> read_verified_name(const Node& node);
/// `name.certificate` as it is, or an unsigned one with what is said when it is empty.
Node verified_name_node(const VerifiedName& name);
/// VerifiedNameCertificate{1: details{1: serial, 2: issuer, 4: verifiedName, 10: issueTime}}, without signatures.
Bytes unsigned_name_certificate(const VerifiedName& name);

/// w:biz for one business; the same comes with a profile query.
Node verified_name_iq(std::string_view id, const Jid& jid);
/// nullopt: no business. Errors: as iq_refusal.
Result<std::optional<VerifiedName>> read_verified_name_answer(const Node& answer);
std::optional<Jid> read_verified_name_query(const Node& iq);
Node verified_name_answer(const Node& request, const std::optional<VerifiedName>& name);

}  // namespace wharf::protocol
