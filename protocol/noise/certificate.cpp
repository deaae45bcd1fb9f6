#include "protocol/noise/certificate.h"

#include <algorithm>

#include "protocol/proto/noise.pb.h"

namespace wharf::protocol {

namespace {

using Certificate = wire::noise::NoiseCertificate;

Error refused(const char* check) { return Error(Errc::bad_certificate, std::string("certificate chain: ") + check); }

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

Certificate sign(const Certificate::Details& details, const KeyPair& issuer, Random& random) {
  Certificate out;
  details.SerializeToString(out.mutable_details());
  out.set_signature(text_of(xeddsa_sign(issuer, as_bytes(out.details()), random)));
  return out;
}

Certificate::Details describe(std::uint32_t serial, std::uint32_t issuer, const PublicKey& key,
                              CertificateWindow window) {
  Certificate::Details out;
  out.set_serial(serial);
  out.set_issuer_serial(issuer);
  out.set_key(text_of(key));
  out.set_not_before(window.not_before);
  out.set_not_after(window.not_after);
  return out;
}

}  // namespace

constinit const PublicKey whatsapp_root_key = {0x14, 0x23, 0x75, 0x57, 0x4d, 0x0a, 0x58, 0x71, 0x66, 0xaa, 0xe7,
                                               0x1e, 0xbe, 0x51, 0x64, 0x37, 0xc4, 0xa2, 0x8b, 0x73, 0xe3, 0x69,
                                               0x5c, 0x6c, 0xe1, 0xf7, 0xf9, 0x54, 0x5d, 0xa8, 0xee, 0x6b};

Result<CertificateWindow> verify_certificate_chain(ByteView chain, const PublicKey& root,
                                                   const PublicKey& server_static, std::optional<std::uint64_t> now) {
  wire::noise::CertChain message;
  if (!message.ParseFromArray(chain.data(), static_cast<int>(chain.size()))) return refused("not a CertChain");
  const Certificate& leaf = message.leaf();
  const Certificate& intermediate = message.intermediate();
  for (const Certificate* certificate : {&leaf, &intermediate}) {
    if (!certificate->has_details() || !certificate->has_signature()) return refused("1: a part is missing");
    if (certificate->signature().size() != 64) return refused("1: a signature is not 64 bytes");
  }

  // The signatures cover the details as received; only verified bytes are parsed.
  if (!xeddsa_verify(root, as_bytes(intermediate.details()), as_bytes(intermediate.signature())))
    return refused("2: the root did not sign the intermediate");
  Certificate::Details upper, lower;
  if (!upper.ParseFromString(intermediate.details())) return refused("3: intermediate details do not parse");
  if (upper.issuer_serial() != root_serial) return refused("3: the intermediate names another issuer");
  const auto intermediate_key = exactly<32>(as_bytes(upper.key()));
  if (!intermediate_key) return refused("4: the intermediate key is not 32 bytes");
  if (!xeddsa_verify(*intermediate_key, as_bytes(leaf.details()), as_bytes(leaf.signature())))
    return refused("5: the intermediate did not sign the leaf");
  if (!lower.ParseFromString(leaf.details())) return refused("6: leaf details do not parse");
  if (lower.issuer_serial() != upper.serial()) return refused("6: the leaf names another issuer");
  if (!equal(as_bytes(lower.key()), server_static)) return refused("7: the leaf is for another server key");

  const CertificateWindow window{std::max(upper.not_before(), lower.not_before()),
                                 std::min(upper.not_after(), lower.not_after())};
  if (now && !window.contains(*now)) return refused("8: not valid at this time");
  return window;
}

Bytes issue_certificate_chain(const CertificateAuthority& authority, const PublicKey& server_static,
                              CertificateWindow window, Random& random) {
  constexpr std::uint32_t intermediate_serial = 1, leaf_serial = 2;
  wire::noise::CertChain chain;
  *chain.mutable_intermediate() =
      sign(describe(intermediate_serial, root_serial, authority.intermediate.pub, window), authority.root, random);
  *chain.mutable_leaf() =
      sign(describe(leaf_serial, intermediate_serial, server_static, window), authority.intermediate, random);
  return to_bytes(chain.SerializeAsString());
}

}  // namespace wharf::protocol
