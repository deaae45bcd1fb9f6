#include "sessions/login_flow.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "events/event.h"
#include "protocol/stanzas/prekeys.h"
#include "protocol/text.h"
#include "sessions/due.h"
#include "sessions/groups/own_key.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using events::NextStep;

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr protocol::PreKeyId last_upload_id = 0x7FFFFF;  // ids above are for retry receipts (storage/keys.h)

protocol::PublishedKeys published_keys(const Context& c) {
  protocol::PublishedKeys keys;
  keys.registration_id = c.device.registration_id;
  keys.identity = c.device.identity.pub;
  keys.signed_pre_key_id = c.device.signed_pre_key_id;
  if (const auto pair = c.records.find_signed_pre_key(c.device.signed_pre_key_id)) {
    keys.signed_pre_key = pair->pair.pub;
    keys.signature = pair->signature;
  }
  return keys;
}

}  // namespace

// --- success

void LoginFlow::on_success(const Node& success) {
  if (c_.link.logged_in() || !c_.device.linked()) return;
  c_.link.log_in(c_.now.steady);
  if (const auto t = success.number("t")) {
    c_.clock_offset_ms = stated_ms(*t, c_.now.unix_ms) - c_.now.unix_ms;
  }
  if (const auto lid = success.jid("lid"); lid && lid->is_lid() && !lid->user.empty()) {
    if (c_.device.lid.user_jid() != lid->user_jid()) {
      c_.device.lid = lid->device == 0 ? lid->with_device(c_.device.jid.device) : *lid;
      directory_.move_own_chat();
    }
  }
  if (const auto shown = protocol::display_line(success.attr("display_name"), 256); !shown.empty() && on_own_name)
    on_own_name(shown);
  ++c_.device.login_counter;
  c_.device_changed();

  c_.send(protocol::unified_session_ib(static_cast<std::uint64_t>(c_.server_ms())));
  if (!c_.device.server_has_prekeys) {
    upload_prekeys();  // go_active follows its result
  } else {
    c_.query(protocol::prekey_count_iq(c_.ids.next()), [this](const Node* answer) {
      if (answer && !protocol::iq_error_of(*answer) && protocol::prekey_count(*answer) < c_.settings.pre_key_low_mark) {
        upload_prekeys();
      }
    });
    go_active();
  }
  // A rotation whose answer was lost: the server may have either key, and we keep an old one for a few rotations only.
  if (rotation_unconfirmed() && c_.device.server_has_prekeys) check_digest();
  schedule_rotation();
}

void LoginFlow::look_at_rotation_in(milliseconds delay) {
  if (auto* login = c_.link.login()) login->rotate_at = in(c_, delay);
}

void LoginFlow::schedule_rotation() {
  if (rotation_unconfirmed()) return look_at_rotation_in(rotation_retry);
  const UnixMs due = c_.device.signed_pre_key_at +
                     std::chrono::duration_cast<milliseconds>(c_.settings.signed_pre_key_lifetime).count();
  // Never in parallel with the upload at login: the older key could win (02 section 17.14).
  look_at_rotation_in(std::max(milliseconds(60'000), milliseconds(due - c_.now.unix_ms)));
}

void LoginFlow::confirm_rotation() {
  if (!rotation_unconfirmed()) return;
  c_.device.signed_pre_key_at = c_.now.unix_ms;
  c_.device_changed();
  schedule_rotation();
}

void LoginFlow::go_active() {
  if (c_.link.online()) return;
  c_.query(protocol::set_active_iq(c_.ids.next()), [this](const Node* answer) {
    // An error answer is logged by the server side only: the connection works all the same (02 section 5).
    if (c_.link.online()) return;
    // Without it there is no "ready": a connection that answers pings alone would keep the login waiting for ever.
    if (answer == nullptr) return on_stuck ? on_stuck() : void();
    c_.link.go_online();
    c_.set_status(Status::ready, std::nullopt);
    c_.emit(events::Ready{c_.device.jid.user_jid(), c_.device.lid_user(), c_.device.push_name});
    if (on_online) on_online();
  });
}

// --- information broadcasts

void LoginFlow::on_ib(const Node& ib) {
  for (const Node& child : ib.children()) {
    if (child.is("edge_routing")) {
      if (const auto info = child.child_data("routing_info");
          info && info->size() <= 4096 && !protocol::equal(*info, c_.device.routing_info)) {
        c_.device.routing_info = protocol::to_bytes(*info);
        c_.device_changed();
      }
    } else if (child.is("offline_preview")) {
      if (child.number("count").value_or(0) > 0) ask_for_backlog();
    } else if (child.is("offline")) {
      if (auto* open = c_.link.conversation()) open->backlog_asked_at.reset();
    } else if (child.is("dirty")) {
      const std::string type = child.attr("type"), timestamp = child.attr("timestamp");
      if (type == "account_sync") directory_.forget_devices(directory_.canonical_user(c_.device.jid));
      if (!protocol::acceptable_id(timestamp)) continue;  // it goes back as it came
      // Of other domains nothing is kept.
      if (type == "groups" && on_groups_dirty) {
        on_groups_dirty(timestamp);
      } else if (type == "syncd_app_state" && on_app_state_dirty) {
        on_app_state_dirty(timestamp);
      } else if (type == "newsletter_metadata" && on_channels_dirty) {
        on_channels_dirty(timestamp);
      } else if (!type.empty()) {
        c_.query(protocol::clean_dirty_iq(c_.ids.next(), type, timestamp), [](const Node*) {});
      }
    }
  }
}

void LoginFlow::ask_for_backlog() {
  auto* open = c_.link.conversation();
  if (open == nullptr) return;
  open->backlog_asked_at = c_.now.steady;
  c_.send(protocol::offline_batch_ib(offline_batch));
}

// --- prekeys

void LoginFlow::on_encrypt_notification(const Node& notification) {
  const auto from = notification.jid("from");
  if (from && from->is_server()) {
    if (notification.child("count")) upload_prekeys();
    if (notification.child("digest")) check_digest();
    return;
  }
  if (!from || !notification.child("identity")) return;
  const Jid user = directory_.canonical_user(*from);
  if (from->device != 0 || directory_.is_own(user)) return;
  directory_.drop_devices(user);
  if (on_identity_changed) on_identity_changed(user);
  if (c_.keys.identity(user.with_device(0))) {
    c_.keys.forget_user(user);
    c_.records.add(storage::TakeKeyCopiesBack{c_.id(), user, std::nullopt, std::nullopt});
    renew_status_key(c_, user);
    c_.emit(events::ContactUpdated{user, directory_.person(user), events::ContactUpdated::Change::identity, {}});
  }
}

void LoginFlow::upload_prekeys() {
  auto* open = c_.link.conversation();
  if (open == nullptr || std::exchange(open->uploading, true)) return;
  if (c_.device.first_unuploaded < c_.device.next_pre_key_id) {
    return send_upload();  // an upload that was not confirmed: the same ids again
  }
  if (!batch_fits()) return make_batch();
  upload_batch();
}

void LoginFlow::make_prekeys_ahead() {
  const bool none_wait = c_.device.first_unuploaded == c_.device.next_pre_key_id;
  if (!c_.device.server_has_prekeys && none_wait && !batch_fits()) make_batch();
}

void LoginFlow::make_batch() {
  batch_.reset();
  if (std::exchange(making_batch_, true)) return;
  const std::size_t count = c_.settings.pre_key_batch;
  if (c_.device.next_pre_key_id + count > last_upload_id) {
    c_.device.next_pre_key_id = c_.device.first_unuploaded = 1;
  }
  // 812 key pairs are 20-40 ms of curve arithmetic: a worker computes them from seeds drawn here.
  auto seeds = std::make_shared<std::vector<protocol::Key32>>();
  seeds->reserve(count);
  for (std::size_t i = 0; i < count; ++i) seeds->push_back(c_.random.bytes<32>());
  auto batch = std::make_shared<Batch>();
  batch->identity = c_.device.identity.pub;
  batch->first = c_.device.next_pre_key_id;
  auto work = [seeds, batch] {
    batch->keys.reserve(seeds->size());
    for (std::size_t i = 0; i < seeds->size(); ++i) {
      protocol::PreKey key;
      key.id = batch->first + static_cast<protocol::PreKeyId>(i);
      key.pair = protocol::KeyPair::from_secret((*seeds)[i]);
      batch->keys.push_back(std::move(key));
    }
  };
  c_.work(std::move(work), [this, batch] { on_batch_made(std::move(*batch)); });
}

void LoginFlow::on_batch_made(Batch batch) {
  making_batch_ = false;
  batch_ = std::move(batch);
  if (!batch_fits()) batch_.reset();  // of a device that was wiped meanwhile
  const auto* open = c_.link.conversation();
  if (open == nullptr || !open->uploading) return keep_first_batch();
  if (!batch_) return make_batch();
  upload_batch();
}

void LoginFlow::keep_first_batch() {
  if (c_.link.offline() || c_.device.server_has_prekeys) batch_.reset();
}

bool LoginFlow::batch_fits() const {
  return batch_ && batch_->identity == c_.device.identity.pub && batch_->first == c_.device.next_pre_key_id;
}

void LoginFlow::upload_batch() {
  const std::vector<protocol::PreKey> keys = std::move(std::exchange(batch_, std::nullopt)->keys);
  c_.device.first_unuploaded = keys.front().id;
  c_.device.next_pre_key_id = keys.front().id + static_cast<protocol::PreKeyId>(keys.size());
  c_.device_changed();
  c_.records.add(storage::AddPreKeys{c_.id(), keys});
  // Durable in this turn, uploaded as its effect.
  c_.query(
      protocol::upload_prekeys_iq(c_.ids.next(), published_keys(c_), keys),
      [this](const Node* answer) { on_upload_answer(answer); }, seconds(30));
}

void LoginFlow::send_upload() {
  const auto keys = c_.records.load_pre_keys(c_.device.first_unuploaded, c_.device.next_pre_key_id);
  if (keys.empty()) {
    c_.device.first_unuploaded = c_.device.next_pre_key_id;
    c_.device_changed();
    if (auto* open = c_.link.conversation()) open->uploading = false;
    return upload_prekeys();
  }
  c_.query(
      protocol::upload_prekeys_iq(c_.ids.next(), published_keys(c_), keys),
      [this](const Node* answer) { on_upload_answer(answer); }, seconds(30));
}

void LoginFlow::on_upload_answer(const Node* answer) {
  if (auto* open = c_.link.conversation()) open->uploading = false;
  if (answer != nullptr && !protocol::iq_error_of(*answer)) {
    c_.device.first_unuploaded = c_.device.next_pre_key_id;
    c_.device.server_has_prekeys = true;
    c_.device_changed();
    confirm_rotation();  // an upload carries the current signed prekey
  }
  // A refused upload is tried again at the next login or low-count notification; messages work without one-time keys.
  if (c_.link.logged_in()) go_active();
}

void LoginFlow::check_digest() {
  c_.query(protocol::prekey_digest_iq(c_.ids.next()), [this](const Node* answer) {
    if (answer == nullptr) return;
    bool mismatch = false;
    if (const auto error = protocol::iq_error_of(*answer)) {
      if (error->code != 404) return;
      mismatch = true;
    } else if (const auto digest = protocol::read_digest(*answer)) {
      const auto own = published_keys(c_);
      mismatch = digest->keys.registration_id != own.registration_id || digest->keys.identity != own.identity ||
                 digest->keys.signed_pre_key != own.signed_pre_key;
    }
    if (!mismatch) return confirm_rotation();
    auto* open = c_.link.conversation();
    if (open != nullptr && !std::exchange(open->uploaded_after_digest, true)) upload_prekeys();
  });
}

void LoginFlow::rotate_signed_pre_key() {
  if (!c_.link.online() || c_.link.conversation()->uploading) return look_at_rotation_in(seconds(3600));
  if (rotation_unconfirmed()) {
    check_digest();
    return schedule_rotation();
  }
  const UnixMs age = c_.now.unix_ms - c_.device.signed_pre_key_at;
  if (age < std::chrono::duration_cast<milliseconds>(c_.settings.signed_pre_key_lifetime).count()) {
    return look_at_rotation_in(rotation_retry);
  }
  const protocol::PreKeyId next = c_.device.signed_pre_key_id >= 0xFFFFFF ? 1 : c_.device.signed_pre_key_id + 1;
  const auto key = protocol::make_signed_pre_key(c_.device.identity, next, c_.random);
  c_.records.add(storage::AddSignedPreKey{c_.id(), key});
  c_.device.signed_pre_key_id = next;
  c_.device.signed_pre_key_at = 0;  // until the server has it
  c_.device_changed();
  schedule_rotation();
  c_.query(protocol::rotate_signed_prekey_iq(c_.ids.next(), key), [this](const Node* answer) {
    if (answer == nullptr) return;
    const auto error = protocol::iq_error_of(*answer);
    if (!error) return confirm_rotation();
    if (error->code == 409) check_digest();
  });
}

std::optional<net::SteadyTime> LoginFlow::backlog_due() const {
  const auto* open = c_.link.conversation();
  if (open == nullptr || !open->backlog_asked_at) return std::nullopt;
  return *open->backlog_asked_at + offline_batch_interval;
}

std::optional<net::SteadyTime> LoginFlow::due() const {
  const auto* login = c_.link.login();
  return earliest({backlog_due(), login != nullptr ? login->rotate_at : std::nullopt});
}

void LoginFlow::on_due() {
  if (is_due(backlog_due(), c_.now.steady)) ask_for_backlog();
  const auto* login = c_.link.login();
  if (login != nullptr && is_due(login->rotate_at, c_.now.steady)) rotate_signed_pre_key();
}

// --- the end of a connection

namespace {

Reason reason_of(const char* code, std::string message, NextStep next_step, std::optional<UnixMs> until = {}) {
  Reason reason;
  reason.code = code;
  reason.message = std::move(message);
  reason.next_step = next_step;
  reason.until = until;
  return reason;
}

}  // namespace

LoginFlow::Verdict LoginFlow::judge_failure(const Node& failure, UnixMs now_ms) {
  using Next = Verdict::Next;
  const auto code = failure.number("reason").value_or(0);
  const std::string said = protocol::display_line(failure.attr("logout_message_subtext"), 512);
  Verdict verdict;
  verdict.next = Next::stop;
  switch (code) {
    case 401:
      verdict.reason = reason_of("unlinked", "the phone has unlinked this device", NextStep::show_new_codes);
      break;
    case 403:
      verdict.reason = reason_of("unlinked", said.empty() ? "the account or its main device is locked" : said,
                                 NextStep::unlock_account_start);
      break;
    case 406:
      verdict.reason = reason_of("banned", said.empty() ? "WhatsApp has banned this number" : said, NextStep::appeal);
      break;
    case 402: {
      const auto seconds_left = std::min<std::uint64_t>(failure.number("expire").value_or(0), 366ull * 86'400);
      verdict.reason =
          reason_of("restricted",
                    "temporarily banned by WhatsApp (code " + protocol::display_line(failure.attr("code"), 16) + ")",
                    NextStep::wait_start, now_ms + static_cast<UnixMs>(seconds_left) * 1000);
      break;
    }
    case 405:
      verdict.reason = reason_of("outdated", "WhatsApp no longer accepts this client version", NextStep::upgrade_start);
      break;
    case 500:
    case 503:
      verdict.next = Next::reconnect_later;
      verdict.reason =
          reason_of("network", "WhatsApp answered " + std::to_string(code) + " at login", NextStep::retried);
      break;
    default:
      verdict.reason =
          reason_of("refused", "login refused with reason " + std::to_string(code), NextStep::read_log_start);
  }
  return verdict;
}

LoginFlow::Verdict LoginFlow::judge_stream_error(const Node& error) {
  using Next = Verdict::Next;
  const auto code = error.number("code").value_or(0);
  Verdict verdict;
  if (const Node* conflict = error.child("conflict")) {  // before the code
    verdict.next = Next::stop;
    if (conflict->attr("type") == "replaced") {
      verdict.reason =
          reason_of("replaced", "another connection uses the same credentials", NextStep::end_other_process_start);
    } else {
      verdict.reason = reason_of("unlinked", "the phone has unlinked this device", NextStep::show_new_codes);
    }
    return verdict;
  }
  if (code == 515) {
    verdict.next = Next::reconnect_now;
  } else if (code == 516) {
    verdict.next = Next::stop;
    verdict.reason = reason_of("unlinked", "WhatsApp has logged this device out", NextStep::show_new_codes);
  } else {
    verdict.penalty = code == 429;
    verdict.reason = reason_of(
        "network", "WhatsApp ended the stream (" + (code ? std::to_string(code) : protocol::summary(error)) + ")",
        NextStep::retried);
  }
  return verdict;
}

}  // namespace wharf::sessions
