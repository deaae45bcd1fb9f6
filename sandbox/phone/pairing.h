#pragma once
// The phone's side of linking a companion: a QR text that it scans, or the 8 characters that its user types.
// Specification 06 sections 3.2 and 3.3.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/phone.h"
#include "sandbox/phone/companions.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/keys.h"

namespace wharf::sandbox {

/// A code pairing: offered by the network, then typed by the user.
struct CodePairing {
  LinkCodeHello hello;
  std::int64_t at_ms = 0;
  bool typed = false;  // primary_hello is on its way or was sent; `done` waits for the end
  protocol::KeyPair ephemeral;
  protocol::PublicKey companion_ephemeral{};
  PhoneCompanions::Done done;
  std::shared_ptr<void> deadline;
};

class PhonePairing {
 public:
  PhonePairing(PhoneContext& context, PhoneKeys& keys, PhoneCompanions& companions,
               std::shared_ptr<Phone::Worker> worker)
      : c_(context), keys_(keys), companions_(companions), worker_(std::move(worker)) {}

  using Done = PhoneCompanions::Done;
  /// As Phone::scan and Phone::enter_code.
  void scan(std::string_view qr, Done done);
  void enter_code(std::string_view code, Done done);
  bool code_pending() const;
  void on_hello(LinkCodeHello hello);
  void on_finish(const LinkCodeFinish& finish);
  /// Whoever typed the code hears of its end.
  void end_code(protocol::Result<Jid> outcome);

 private:
  /// The typed text and what is stretched from it, off the loop.
  struct Stretched {
    std::string text;
    protocol::Key32 their_salt, own_salt;
    protocol::Key32 theirs{}, own{};
  };
  void stretch(const std::string& text, const protocol::Key32& their_salt);
  void send_hello(const Stretched& stretched);
  void off_loop(std::function<void()> work, std::function<void()> done);

  PhoneContext& c_;
  PhoneKeys& keys_;
  PhoneCompanions& companions_;
  std::shared_ptr<Phone::Worker> worker_;  // shared with all phones
  std::optional<CodePairing> code_;
};

}  // namespace wharf::sandbox
