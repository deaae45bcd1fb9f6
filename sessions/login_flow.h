#pragma once
// From `success` to online, and how a connection ends for good. Specification 01 sections 8.2-8.6, 02 sections 5,
// 6, 14.

#include <functional>
#include <optional>
#include <vector>

#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class LoginFlow {
 public:
  LoginFlow(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  void on_success(const Node& success);
  void on_ib(const Node& ib);
  void on_encrypt_notification(const Node& notification);  // low prekeys, digest
  /// While a code is shown: a phone that scans it need not wait for them. They are kept in memory, not stored.
  void make_prekeys_ahead();
  void on_link_down() { keep_first_batch(); }
  /// What a failure or stream:error means for this session.
  struct Verdict {
    enum class Next { reconnect_now, reconnect_later, stop } next = Next::reconnect_later;
    std::optional<Reason> reason;
    bool penalty = false;  // rate limited: more distance
  };
  static Verdict judge_failure(const Node& failure, UnixMs now_ms);
  static Verdict judge_stream_error(const Node& error);
  /// When on_due() has something to do: more of the backlog, the signed prekey.
  std::optional<net::SteadyTime> due() const;
  void on_due();
  /// Set by the session: runs when sends may go out.
  std::function<void()> on_online;
  /// The account calls itself this, by the server's word at login.
  std::function<void(const std::string& name)> on_own_name;
  /// Set by the session: the groups of the account have changed; whoever asks for them cleans the mark.
  std::function<void(const std::string& timestamp)> on_groups_dirty;
  /// Set by the session: app state is to be asked for; whoever does cleans the mark.
  std::function<void(const std::string& timestamp)> on_app_state_dirty;
  /// Somebody's phone was set up anew: its keys are forgotten.
  std::function<void(const Jid& user)> on_identity_changed;
  /// Set by the session: the channels of the account have changed; whoever asks for them cleans the mark.
  std::function<void(const std::string& timestamp)> on_channels_dirty;
  /// Set by the session: this connection does not finish the login. Also called when it is gone already.
  std::function<void()> on_stuck;

 private:
  static constexpr unsigned offline_batch = 200;
  static constexpr std::chrono::seconds offline_batch_interval{2};
  static constexpr std::chrono::hours rotation_retry{24};  // 02 section 6

  /// Prekeys that are in no row yet.
  struct Batch {
    protocol::PublicKey identity;  // of the device that they were made for
    protocol::PreKeyId first = 0;
    std::vector<protocol::PreKey> keys;
  };

  void upload_prekeys();
  void make_batch();
  void on_batch_made(Batch batch);
  bool batch_fits() const;
  /// What waits for its upload is worth its memory while a first login is to come.
  void keep_first_batch();
  void upload_batch();
  void send_upload();
  void on_upload_answer(const Node* answer);
  void go_active();
  void check_digest();
  void rotate_signed_pre_key();
  /// The server may still have the signed prekey before the current one.
  bool rotation_unconfirmed() const { return c_.device.signed_pre_key_at == 0; }
  void confirm_rotation();
  void schedule_rotation();
  void look_at_rotation_in(std::chrono::milliseconds delay);
  void ask_for_backlog();
  std::optional<net::SteadyTime> backlog_due() const;

  Context& c_;
  Directory& directory_;
  std::optional<Batch> batch_;
  bool making_batch_ = false;
};

}  // namespace wharf::sessions
