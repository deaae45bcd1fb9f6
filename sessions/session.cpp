#include "sessions/session.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "protocol/stanzas/ack.h"
#include "sessions/log_value.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using std::chrono::milliseconds;
using std::chrono::seconds;

storage::DeviceRow new_device(storage::SessionId session, protocol::Random& random, storage::Changes& changes,
                              UnixMs now) {
  storage::DeviceRow device;
  device.session = session;
  device.noise = protocol::KeyPair::generate(random);
  device.identity = protocol::KeyPair::generate(random);
  device.registration_id = 1 + random.below(16'380);
  device.adv_secret = random.bytes<32>();
  device.signed_pre_key_id = 1;
  device.signed_pre_key_at = now;
  changes.add(storage::AddSignedPreKey{session, protocol::make_signed_pre_key(device.identity, 1, random)});
  return device;
}

Session::Session(storage::Database& reader, protocol::Random& random, const SessionSettings& settings,
                 storage::SessionRow row, storage::DeviceRow device, SessionConfig config, LogLine log)
    : context_(reader, random, settings, std::move(row), std::move(device)),
      directory_(context_),
      tokens_(context_, directory_),
      fanout_(context_, directory_, tokens_),
      groups_(context_, directory_),
      audiences_(context_, directory_),
      group_fanout_(context_, directory_, fanout_, groups_, audiences_),
      rosters_(directory_, groups_),
      sender_keys_(context_, directory_, groups_, rosters_),
      held_messages_(context_, groups_),
      group_asking_(context_, directory_, groups_),
      pairing_(context_, directory_),
      login_(context_, directory_),
      add_ons_(context_, directory_, groups_),
      sealer_(context_, directory_, tokens_, fanout_, groups_, group_fanout_, audiences_),
      media_hosts_(context_),
      book_(context_, directory_),
      number_checks_(context_, directory_, book_),
      profiles_(context_, directory_, tokens_, book_, media_hosts_),
      account_settings_(context_, directory_),
      presence_(context_, directory_, tokens_, book_),
      people_notices_(context_, directory_, tokens_, book_, groups_),
      sync_actions_(directory_, book_),
      app_state_(context_, directory_, fanout_, media_hosts_, sync_actions_),
      address_book_(context_, directory_, app_state_),
      channels_(context_, directory_),
      uploads_(context_, media_hosts_),
      downloads_(context_, directory_, media_hosts_, fanout_),
      auto_downloads_(context_, downloads_),
      outbox_(context_, directory_, sealer_, add_ons_, uploads_),
      acceptance_(context_, directory_, sealer_, add_ons_, outbox_),
      calls_(context_, directory_, acceptance_),
      inbound_(context_, directory_, fanout_, sender_keys_, held_messages_, add_ons_),
      receipts_(context_, directory_, tokens_, fanout_, groups_, rosters_, group_fanout_, audiences_),
      reads_(context_, directory_, fanout_, groups_),
      log_([this, log = std::move(log)](std::string_view event, const std::string& fields) {
        const std::string& request = context_.cause;
        log(event, request.empty() ? fields : fmt::format("{} request={}", fields, log_value(request)));
      }) {
  context_.config = std::move(config);
  directory_.on_devices_changed = [this](const Jid& user) { group_fanout_.on_devices_changed(user); };
  directory_.on_joined = [this](const Jid& pn, const Jid& lid) {
    book_.join(pn, lid);
    tokens_.join(pn, lid);
    rosters_.on_joined();
  };
  login_.on_identity_changed = [this](const Jid& user) { tokens_.on_identity_changed(user); };
  people_notices_.on_privacy = [this](const auto& changed) { account_settings_.learn(changed); };
  people_notices_.on_blocks = [this](const auto& changed) { account_settings_.on_blocks(changed); };
  account_settings_.on_blocks_changed = [this] { audiences_.doubt(); };
  audiences_.book_standing = [this] { return app_state_.standing(protocol::critical_unblock_low); };
  account_settings_.on_reads_known = [this] { reads_.on_ready(); };
  people_notices_.on_named = [this] { presence_.on_online(); };
  people_notices_.on_renamed = [this] { presence_.on_renamed(); };
  people_notices_.on_app_state = [this](const auto& moved) { app_state_.hear(moved); };
  sync_actions_.on_own_name = [this](const std::string& name) { people_notices_.learn_own_name(name); };
  inbound_.on_app_state_keys = [this] { app_state_.on_keys(); };
  login_.on_app_state_dirty = [this](const std::string& timestamp) { app_state_.on_dirty(timestamp); };
  app_state_.on_trouble = [this](std::string_view collection, const Error& why, bool left_alone) {
    log_(left_alone ? "app_state_left_alone" : "app_state_refused",
         fmt::format("collection={} error={} detail={}", collection, protocol::name(why.code), log_value(why.detail)));
  };
  inbound_.on_push_name = [this](const Jid& author, const std::string& name) { book_.hear_push_name(author, name); };
  groups_.on_changed = [this](const Jid& group) {
    group_fanout_.on_changed(group);
    rosters_.on_changed(group);
    receipts_.on_group_changed(group);
  };
  groups_.on_all_changed = [this] {
    group_fanout_.on_all_changed();
    rosters_.on_all_changed();
  };
  sender_keys_.on_refused = [this](const Jid& group, const Jid& author, const std::string& why) {
    log_("sender_key_refused", fmt::format("group={} author={} detail={}", log_value(group.to_string()),
                                           log_value(author.to_string()), log_value(why)));
  };
  login_.on_own_name = [this](const std::string& name) { people_notices_.learn_own_name(name); };
  login_.on_groups_dirty = [this](const std::string& timestamp) { groups_.on_dirty(timestamp); };
  login_.on_channels_dirty = [this](const std::string& timestamp) { channels_.on_dirty(timestamp); };
  login_.on_online = [this] {
    presence_.on_online();
    groups_.on_online();
    pairing_.on_online();
    outbox_.on_online();
    channels_.on_online();
    account_settings_.on_online();
    app_state_.on_online();
    auto_downloads_.on_online();
  };
  login_.on_stuck = [this] { give_up_link("the server does not finish the login"); };
  pairing_.on_refs_used = [this] {
    Departure next;
    next.again = milliseconds(0);
    leave_link(std::move(next));
  };
  pairing_.on_failed = [this](Reason why) { leave_link(failed(std::move(why))); };
  outbox_.on_unanswered = [this] { give_up_link("a sent message was not acknowledged"); };
  receipts_.on_proof = [this](const std::string& id, UnixMs at) { outbox_.on_receipt(id, at); };
  receipts_.is_unsealed = [this](const std::string& id) { return outbox_.is_unsealed(id); };
  receipts_.on_late_proof = [this](const std::string& id) { add_ons_.on_at_server(id); };
  held_messages_.on_known = [this](const Node& message) { inbound_.on_message(message); };
  inbound_.on_undecryptable = [this](const std::string& id, std::uint32_t count, const Error& error) {
    log_("message_undecryptable", fmt::format("message={} retry={} error={} detail={}", log_value(id), count,
                                              protocol::name(error.code), log_value(error.detail)));
  };
  inbound_.on_stored = [this](const std::string& id, const std::string& kind) { auto_downloads_.consider(id, kind); };
  inbound_.on_id_taken = [this](const Jid& chat, const std::string& id, const Jid& author) {
    log_("message_id_taken", fmt::format("chat={} message={} author={}", log_value(chat.to_string()), log_value(id),
                                         log_value(author.to_string())));
  };
  inbound_.on_too_large = [this](const std::string& id, std::size_t bytes) {
    log_("message_too_large", fmt::format("message={} bytes={}", log_value(id), bytes));
  };
  channels_.on_stored = inbound_.on_stored;
  channels_.on_too_large = inbound_.on_too_large;
  channels_.on_unreadable = [this](const std::string& id, const std::string& why) {
    log_("post_unreadable", fmt::format("message={} detail={}", log_value(id), log_value(why)));
  };
  channels_.on_rows_unread = [this](std::size_t read) { log_("channel_list_cut", fmt::format("read={}", read)); };
  calls_.on_text_refused = [this](const std::string& call) {
    log_("call_text_refused", fmt::format("call={}", log_value(call)));
  };
  acceptance_.load();
  reads_.load();
}

Session::~Session() = default;

Turn Session::handle(std::vector<Input> inputs, Now now) {
  Context& c = context_;
  c.turn = Turn();
  static_cast<void>(c.records.take());  // of a turn that an exception ended
  c.now = now;
  for (Input& input : inputs) {
    c.cause.clear();
    std::visit([this](auto& arrived) { take(arrived); }, input);
  }
  c.cause.clear();
  if (!removed_) on_due();
  if (!removed_) c.finish_turn();  // what it would write else is of a session that is gone
  // A look-up of this turn did not see such rows.
  if (!c.turn.changes.empty()) throw std::logic_error("a turn wrote rows past its Records");
  c.turn.changes = c.records.take();
  return std::move(c.turn);
}

void Session::take(const StanzaArrived& arrived) {
  if (current(arrived.epoch)) on_stanza(arrived.node);
}

void Session::take(const LinkUp& up) {
  if (current(up.epoch)) on_link_up(up);
}

void Session::take(const LinkDown& down) {
  if (current(down.epoch)) on_link_down(down);
}

void Session::take(const Begin& begun) {
  context_.cause = begun.request_id;
  if (!removed_) start();
}

void Session::take(WorkDone& done) {
  if (!removed_) done.then();
}

void Session::take(CommandArrived& arrived) {
  context_.cause = arrived.request_id;
  const auto carry = [this]<class Operation>(Asked<Operation>& asked) {
    if (removed_) return context_.answer(std::move(asked.reply), when_removed<Operation>(context_.row.name));
    carry_out(asked.operation, std::move(asked.reply));
  };
  std::visit(carry, arrived.command.any());
}

void Session::committed() {
  context_.keys.end_turn();
  directory_.end_turn(true);
  fanout_.end_turn(true);
  groups_.end_turn(true);
  group_fanout_.end_turn(true);
  rosters_.end_turn();
  book_.end_turn(true);
  tokens_.end_turn(true);
}

SessionView Session::view() const {
  const Context& c = context_;
  SessionView view;
  view.id = c.row.id;
  view.org = c.row.org;
  view.name = c.row.name;
  // "ready" is said of a connection; a stored one is history until the session is online again.
  view.status = c.status == Status::ready && !c.link.online() ? Status::authenticated : c.status;
  view.connection = c.link.seen();
  view.reason = c.reason;
  view.created_at = c.row.created_at;
  view.last_activity = c.row.last_activity;
  view.config = c.config;
  view.config_json = c.row.config;
  view.metadata_json = c.row.metadata;
  view.qr = pairing_.qr();
  if (pairing_.code()) view.pairing_code = pairing_.code()->code;
  view.jid = c.device.jid;
  view.lid = c.device.lid;
  view.push_name = c.device.push_name;
  view.platform = c.device.platform;
  if (const auto* online = c.link.while_online()) view.shows_online = online->available;
  view.queued = outbox_.unsent();
  return view;
}

Holdings Session::holdings() const {
  Holdings held;
  outbox_.count(held);
  acceptance_.count(held);
  held.read_receipts = reads_.size();
  if (const auto* open = context_.link.conversation()) held.queries = open->iqs.size();
  held.ratchets = context_.keys.size();
  directory_.count(held);
  held.unreachable_devices = fanout_.unreachable();
  held.due = next_deadline();
  return held;
}

Link::Settings Session::link_settings(const std::string& url, const protocol::PublicKey& root, bool may_resume, Now now,
                                      std::uint32_t connect_attempts) {
  Context& c = context_;
  const auto seconds_now = static_cast<std::uint64_t>(now.unix_ms / 1000);
  Link::Settings link;
  link.url = url;
  link.proxy = c.config.proxy;
  link.root = root;
  link.now = seconds_now;
  link.device_static = c.device.noise;
  link.ephemeral = protocol::KeyPair::generate(c.random);
  link.routing_info = c.device.routing_info;
  if (!c.linked()) {
    protocol::RegistrationKeys keys;
    keys.registration_id = c.device.registration_id;
    keys.identity = c.device.identity.pub;
    keys.signed_pre_key_id = c.device.signed_pre_key_id;
    if (const auto pair = c.records.find_signed_pre_key(c.device.signed_pre_key_id)) {
      keys.signed_pre_key = pair->pair.pub;
      keys.signed_pre_key_signature = pair->signature;
    }
    link.payload = protocol::registration_payload(c.settings.profile, keys);
    return link;  // never IK for a registration (01 section 3.4)
  }
  protocol::LoginIdentity login;
  login.jid = c.device.jid;
  login.login_counter = c.device.login_counter;
  login.connect_attempt_count = connect_attempts;
  link.payload = protocol::login_payload(c.settings.profile, login);
  if (may_resume && c.device.server_static) {
    protocol::KnownServer known;
    known.static_key = *c.device.server_static;
    known.window.not_before = c.device.server_not_before;
    known.window.not_after = c.device.server_not_after;
    if (known.window.contains(seconds_now)) link.resume = known;
  }
  return link;
}

void Session::lose_connection() {
  // No part is told: they go with this object. Who waits in a continuation hears of it now (reply.h).
  static_cast<void>(context_.link.leave(LinkState::Next::connecting));
}

// --- stanzas

void Session::on_stanza(const Node& node) {
  Context& c = context_;
  auto* open = c.link.conversation();
  if (open == nullptr) return;  // of a connection that was given up in an earlier input
  open->keepalive.on_receive(c.now.steady, c.random);
  const std::string& tag = node.tag;
  if (tag == "iq") return on_iq(node);
  if (tag == "message") {
    const auto from = node.jid("from");
    return from && from->is_channel() ? channels_.on_post(node) : inbound_.on_message(node);
  }
  if (tag == "receipt") return receipts_.on_receipt(node);
  if (tag == "ack") return on_ack(node);
  if (tag == "notification") return on_notification(node);
  if (tag == "success") return login_.on_success(node);
  if (tag == "ib") return login_.on_ib(node);
  if (tag == "failure") {
    follow(LoginFlow::judge_failure(node, c.now.unix_ms));
    return;
  }
  if (tag == "stream:error") {
    follow(LoginFlow::judge_stream_error(node));
    return;
  }
  if (tag == "xmlstreamend") {
    LoginFlow::Verdict orderly_end;
    return follow(orderly_end);
  }
  if (tag == "call") return calls_.on_call(node);
  if (tag == "presence") return presence_.on_presence(node);
  if (tag == "chatstate") return presence_.on_chat_state(node);
  if (node.has("id") && node.has("from")) c.send(protocol::ack_for(node, std::nullopt, 488));
}

namespace {

/// A receipt of ours has the id of the message that it is about, which its sender chose: an ack of one says nothing of
/// a message of ours that has the same id. Other classes than "message" are seen on acks of messages too.
bool may_ack_message(const protocol::Ack& ack) {
  return ack.stanza != "receipt" && ack.stanza != "notification" && ack.stanza != "call";
}

}  // namespace

std::optional<Session::AcceptedMessage> Session::accepted_by(const StanzaArrived& arrived, Now now) const {
  if (arrived.node.tag != "ack" || !current(arrived.epoch)) return std::nullopt;
  auto ack = protocol::read_ack(arrived.node);
  if (!ack || ack->error != 0 || !may_ack_message(*ack) || !outbox_.would_accept(ack->id)) return std::nullopt;
  return AcceptedMessage{std::move(ack->id), stated_ms(ack->timestamp, now.unix_ms),
                         protocol::acked_server_id(arrived.node).value_or(0)};
}

void Session::on_ack(const Node& node) {
  const auto ack = protocol::read_ack(node);
  if (!ack || channels_.on_ack(*ack) || reads_.on_ack(*ack) || !may_ack_message(*ack)) return;
  // While no stanza of it is on its way, the answer is to a copy for one device, also of what is to be sent once more.
  if (!outbox_.expects_ack(ack->id) && (receipts_.on_resend_ack(*ack) || ack->error != 0)) return;
  if (!outbox_.awaits(ack->id)) return;
  // The id is ours and answers what waits under it; other clients do not look at the class either.
  if (ack->stanza != "message")
    log_("ack_class", fmt::format("message={} class={}", log_value(ack->id), log_value(ack->stanza)));
  std::string asked = outbox_.cause_of(ack->id);
  outbox_.on_verdict(ack->id, sealer_.judge(*ack));
  const UnderCause of_the_post(context_, std::move(asked));
  channels_.on_accepted(node, *ack);
}

void Session::on_iq(const Node& iq) {
  Context& c = context_;
  const std::string type = iq.attr("type");
  if (type == "result" || type == "error") {
    if (auto* open = c.link.conversation()) open->iqs.answer(iq);
    return;
  }
  const auto from = iq.jid("from");
  const bool from_server = !from || from->is_server();
  if (!from_server || !iq.has("id")) return;
  if (iq.child("pair-device")) {
    if (c.device.linked()) return;
    pairing_.on_pair_device(iq);
    login_.make_prekeys_ahead();
    return;
  }
  if (iq.child("pair-success")) {
    pairing_.on_pair_success(iq);
    return;
  }
  const std::string xmlns = iq.attr("xmlns");
  if (type == "get" && (xmlns == "urn:xmpp:ping" || xmlns == "w:p")) return c.send(protocol::iq_result(iq));
  c.send(protocol::iq_error(iq, 501, "feature-not-implemented"));
}

void Session::on_notification(const Node& notification) {
  const std::string type = notification.attr("type");
  if (type == "encrypt") login_.on_encrypt_notification(notification);
  if (type == "devices") directory_.on_devices_notification(notification);
  if (type == "w:gp2") groups_.on_notification(notification);
  if (type == "account_sync" && notification.child("devices")) directory_.on_own_devices(notification);
  people_notices_.on_notification(notification);
  channels_.on_notification(notification);
  if (type == "mediaretry") downloads_.on_notification(notification);
  if (type == "link_code_companion_reg") pairing_.on_link_code_notification(notification);
  if (type == "passkey_prologue_request") {
    Reason why;
    why.code = "passkey_required";
    why.message = "this account asks for a passkey to link a device, which Wharf does not support";
    why.next_step = events::NextStep::remove_passkey_start;
    context_.send(protocol::ack_for(notification, std::nullopt));
    leave_link(failed(std::move(why)));
    return;
  }
  // Whatever happened above, unknown types included: an unacked notification comes back for ever.
  context_.send(protocol::ack_for(notification, std::nullopt));
}

}  // namespace wharf::sessions
