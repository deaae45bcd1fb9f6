#include "protocol/noise/certificate.h"

#include <catch2/catch.hpp>

#include <functional>

#include "protocol/proto/noise.pb.h"
#include "tests/support/noise_vectors.h"
#include "tests/support/scripted_random.h"

using namespace wharf::protocol;
using namespace wharf::test;
using wharf::wire::noise::CertChain;
using wharf::wire::noise::NoiseCertificate;

namespace {

constexpr std::uint64_t now = 1'800'000'000;

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

/// A chain whose details a test may change before they are signed.
struct Draft {
  NoiseCertificate::Details intermediate, leaf;
  KeyPair intermediate_signer = noise_key("cert-root");
  KeyPair leaf_signer = noise_key("cert-intermediate");

  Draft() {
    intermediate.set_serial(1);
    intermediate.set_issuer_serial(0);
    intermediate.set_key(text_of(noise_key("cert-intermediate").pub));
    leaf.set_serial(2);
    leaf.set_issuer_serial(1);
    leaf.set_key(text_of(noise_key("server-static").pub));
    for (auto* details : {&intermediate, &leaf}) {
      details->set_not_before(noise_window.not_before);
      details->set_not_after(noise_window.not_after);
    }
  }

  CertChain sign() const {
    SeededRandom random(1);
    CertChain chain;
    const auto fill = [&](NoiseCertificate& out, const NoiseCertificate::Details& details, const KeyPair& signer) {
      out.set_details(details.SerializeAsString());
      out.set_signature(text_of(xeddsa_sign(signer, as_bytes(out.details()), random)));
    };
    fill(*chain.mutable_intermediate(), intermediate, intermediate_signer);
    fill(*chain.mutable_leaf(), leaf, leaf_signer);
    return chain;
  }
};

Result<CertificateWindow> verify(const CertChain& chain, std::optional<std::uint64_t> at = now) {
  return verify_certificate_chain(as_bytes(chain.SerializeAsString()), noise_key("cert-root").pub,
                                  noise_key("server-static").pub, at);
}

void refuse(const CertChain& chain, char check) {
  const auto result = verify(chain);
  REQUIRE(!result);
  REQUIRE(result.error().code == Errc::bad_certificate);
  const std::string expected = std::string("certificate chain: ") + check;
  REQUIRE(result.error().detail.substr(0, expected.size()) == expected);
}

}  // namespace

TEST_CASE("the published chain verifies and is issued byte for byte") {
  const auto window =
      verify_certificate_chain(noise_chain(), noise_key("cert-root").pub, noise_key("server-static").pub, now);
  REQUIRE(window);
  REQUIRE(window->not_before == noise_window.not_before);
  REQUIRE(window->not_after == noise_window.not_after);

  ScriptedRandom random(Bytes(64, 2));  // the intermediate is signed first, then the leaf
  random.push(Bytes(64, 3));
  REQUIRE(to_hex(issue_certificate_chain(noise_authority(), noise_key("server-static").pub, noise_window, random)) ==
          to_hex(noise_chain()));
}

TEST_CASE("each check refuses for its own reason") {
  REQUIRE(verify(Draft().sign()));
  Draft draft;
  SeededRandom random(9);
  const KeyPair stranger = KeyPair::generate(random);

  SECTION("1: parts and signature length") {
    const std::vector<std::function<void(CertChain&)>> damages = {
        [](CertChain& c) { c.clear_leaf(); },
        [](CertChain& c) { c.clear_intermediate(); },
        [](CertChain& c) { c.mutable_leaf()->clear_details(); },
        [](CertChain& c) { c.mutable_leaf()->clear_signature(); },
        [](CertChain& c) { c.mutable_intermediate()->clear_details(); },
        [](CertChain& c) { c.mutable_intermediate()->clear_signature(); },
        [](CertChain& c) { c.mutable_leaf()->mutable_signature()->pop_back(); },
        [](CertChain& c) { c.mutable_intermediate()->mutable_signature()->push_back('x'); },
    };
    for (const auto& damage : damages) {
      CertChain chain = draft.sign();
      damage(chain);
      refuse(chain, '1');
    }
  }
  SECTION("2: root signature") {
    draft.intermediate_signer = stranger;
    refuse(draft.sign(), '2');
  }
  SECTION("3: issuer of the intermediate") {
    draft.intermediate.set_issuer_serial(1);
    refuse(draft.sign(), '3');
  }
  SECTION("3: an absent issuer is serial 0") {
    draft.intermediate.clear_issuer_serial();
    REQUIRE(verify(draft.sign()));
  }
  SECTION("4: length of the intermediate key") {
    draft.intermediate.mutable_key()->push_back('x');
    refuse(draft.sign(), '4');
  }
  SECTION("5: intermediate signature") {
    draft.leaf_signer = stranger;
    refuse(draft.sign(), '5');
  }
  SECTION("6: issuer of the leaf") {
    draft.leaf.set_issuer_serial(3);
    refuse(draft.sign(), '6');
  }
  SECTION("7: the leaf key is the server's") {
    draft.leaf.set_key(text_of(stranger.pub));
    refuse(draft.sign(), '7');
  }
  SECTION("8: validity of the leaf") {
    draft.leaf.set_not_after(now - 1);
    refuse(draft.sign(), '8');
    REQUIRE(verify(draft.sign(), std::nullopt));  // no trusted clock: 1-7 only
  }
  SECTION("8: validity of the intermediate") {
    draft.intermediate.set_not_before(now + 1);
    refuse(draft.sign(), '8');
  }
}

TEST_CASE("bytes that are no chain are refused") {
  for (const Bytes& bad : {Bytes{}, Bytes{0xff}, to_bytes("not a chain")})
    REQUIRE(verify_certificate_chain(bad, whatsapp_root_key, {}, now).error().code == Errc::bad_certificate);
  REQUIRE(!verify_certificate_chain(noise_chain(), whatsapp_root_key, noise_key("server-static").pub, now));
}

TEST_CASE("the production root key is the published one") {
  REQUIRE(to_hex(whatsapp_root_key) == "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b");
}
