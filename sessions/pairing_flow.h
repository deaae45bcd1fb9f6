#pragma once
// Linking a new device: QR codes, the 8-character code, pair-success. Specification 02 sections 2 and 3.

#include <deque>
#include <optional>
#include <string>

#include "protocol/pairing/code.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class PairingFlow {
 public:
  PairingFlow(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// What is shown now.
  const std::optional<QrCode>& qr() const { return qr_; }
  const std::optional<PairingCode>& code() const { return code_; }

  /// The first connect of an attempt: codes are shown for config.qr_timeout from here on.
  void begin();
  void on_pair_device(const Node& iq);
  void on_pair_success(const Node& iq);
  void on_link_code_notification(const Node& notification);
  void on_deadline(Deadline deadline);
  void on_link_down();

  /// Set by the session: every ref of this connection was shown; a new one brings new refs.
  std::function<void()> on_refs_used;

  /// Asks for a code for a phone number. `done` gets the code once the server accepted the hello; the same number again
  /// gets the live code, another number replaces it (it was mistyped), unless the phone is answering already.
  /// Errors: not_ready, rate_limited, malformed (WhatsApp does not take this number), refused, closed.
  void request_code(const std::string& phone, Done<PairingCode> done);

 private:
  static constexpr std::chrono::seconds first_ref{60}, next_ref{20}, code_lifetime{180};
  static constexpr int max_primary_hellos = 3;

  void show_next_ref();
  void draw_qr(UnixMs expires_at);
  void change_adv_secret(const protocol::Key32& secret);
  void hide_qr();
  void give_up(const char* code, const char* message);
  void give_up(Reason reason);
  void refuse_pair_success(const Node& iq, const Error& error);
  void send_hello(const std::string& phone, Done<PairingCode> done);
  void finish_code(const protocol::PrimaryHello& hello, const protocol::PublicKey& primary_ephemeral);
  void drop_code();
  bool is_pending(std::uint64_t attempt) const { return pending_ && pending_->attempt == attempt; }

  struct Code {
    Code() {}  // clang refuses optional::emplace() for a nested struct with member initialisers otherwise (CWG 1397)
    std::string phone;
    std::uint64_t attempt = 0;  // what a worker or the server answers to an earlier one is nobody's any more
    protocol::KeyPair ephemeral;
    protocol::Bytes ref;
    int hellos = 0;
    bool finishing = false;  // a hello is being handled: one at a time, or the wrong secret would be kept
    bool finished = false;   // a finish was sent: the ADV secret is the code's
  };

  Context& c_;
  Directory& directory_;
  std::deque<std::string> refs_;
  std::string shown_ref_;
  std::optional<QrCode> qr_;
  std::optional<PairingCode> code_;
  std::optional<Code> pending_;
  std::uint64_t attempts_ = 0;
  bool first_shown_ = false;
  bool connected_ = false;  // pair-device arrived on this connection
};

}  // namespace wharf::sessions
