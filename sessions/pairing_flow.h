#pragma once
// Linking a new device: QR codes, the 8-character code, pair-success. Specification 02 sections 2 and 3.

#include <array>
#include <deque>
#include <optional>
#include <string>

#include "protocol/pairing/code.h"
#include "sessions/commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class PairingFlow {
 public:
  PairingFlow(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// What is shown now.
  std::optional<QrCode> qr() const { return shown_ ? std::optional(shown_->code) : std::nullopt; }
  std::optional<PairingCode> code() const { return pending_ ? pending_->code : std::nullopt; }

  /// A start of the session, before it connects. Unless it is linked, codes are shown for config.qr_timeout from here
  /// on.
  void begin();
  void on_pair_device(const Node& iq);
  void on_pair_success(const Node& iq);
  void on_link_code_notification(const Node& notification);
  /// The login that follows pair-success is done.
  void on_online() { patience_until_.reset(); }
  void on_link_down();
  /// When on_due() has something to do: the next QR, the end of a code, of the patience for a scan or the login after
  /// it. Not while the session is offline.
  std::optional<net::SteadyTime> due() const;
  void on_due();

  /// Set by the session: every ref of this connection was shown; a new one brings new refs.
  std::function<void()> on_refs_used;
  /// Set by the session: it fails for this reason.
  std::function<void(Reason)> on_failed;

  /// Asks for a code for a phone number. It is answered once the server accepted the hello; the same number again gets
  /// the live code, another number replaces it (it was mistyped), unless the phone is answering already.
  void request_code(const std::string& phone, Reply<PairingCode> reply);

 private:
  static constexpr std::chrono::seconds first_ref{60}, next_ref{20}, code_lifetime{180};
  static constexpr std::chrono::seconds finish_patience{60};  // from our finish to pair-success
  static constexpr std::chrono::seconds finish_grace{10};     // of the QR time-out, for a code that is being finished
  static constexpr int max_primary_hellos = 3;

  /// What the server is told of a code that was asked for.
  struct Hello {
    std::string code;
    protocol::Key32 salt;
    std::array<std::uint8_t, 16> iv;
    protocol::Bytes wrapped;  // our ephemeral key under the code
  };

  void show_next_ref();
  void draw_qr();
  void change_adv_secret(const protocol::Key32& secret);
  void give_up(const char* code, const char* message);
  void give_up(Reason reason);
  void on_patience_over();
  void give_up_login();
  void refuse_pair_success(const Node& iq, const Error& error);
  void send_hello(const std::string& phone, Reply<PairingCode> reply);
  void on_hello_answer(const Hello& hello, std::uint64_t attempt, const Node* answer, Reply<PairingCode> reply);
  void finish_code(const protocol::PrimaryHello& hello, const protocol::PublicKey& primary_ephemeral);
  void drop_code();
  /// The code came to nothing, and this connection may have no ref left to show: a new one brings new refs.
  void end_code();
  bool is_pending(std::uint64_t attempt) const { return pending_ && pending_->attempt == attempt; }

  struct Shown {
    std::string ref;
    QrCode code;
    net::SteadyTime until;
  };
  struct Code {
    Code() {}  // clang refuses optional::emplace() for a nested struct with member initialisers otherwise (CWG 1397)
    std::string phone;
    std::uint64_t attempt = 0;  // what a worker or the server answers to an earlier one is nobody's any more
    protocol::KeyPair ephemeral;
    protocol::Bytes ref;
    std::optional<PairingCode> code;       // shown, once the server has accepted the hello
    std::optional<net::SteadyTime> until;  // of the code, later of the pair-success that follows the finish
    int hellos = 0;
    bool finishing = false;  // a hello is being handled: one at a time, or the wrong secret would be kept
    bool finished = false;   // a finish was sent: the ADV secret is the code's
  };

  Context& c_;
  Directory& directory_;
  std::deque<std::string> refs_;
  std::optional<Shown> shown_;
  std::optional<Code> pending_;
  std::uint64_t attempts_ = 0;
  bool first_shown_ = false;
  std::optional<net::SteadyTime> patience_until_;  // for a scan; once linked, for the login
};

}  // namespace wharf::sessions
