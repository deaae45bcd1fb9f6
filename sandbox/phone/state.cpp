#include "sandbox/phone/state.h"

#include <utility>

#include "protocol/stanzas/ack.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

Phone::State::State(Network& network, Account& account, std::shared_ptr<Worker> worker,
                    std::shared_ptr<PhoneFiles> shared)
    : files(std::move(shared)),
      context(network, account, [this](const Node& stanza) { handle(stanza); }),
      log([this](std::uint64_t number) { on_message_changed(number); }),
      keys(context),
      account_keys(context, keys),
      device_lists(context, account_keys),
      sessions(context, keys, account_keys, device_lists),
      sender_keys(context),
      groups(context, sender_keys),
      chats(context, groups),
      people(context, chats),
      calls(context, chats),
      app_state(context),
      companions(context, keys, device_lists, sessions, app_state),
      pairing(context, keys, companions, std::move(worker)),
      sent(context, log),
      group_fanout(context, groups, sender_keys, device_lists, sessions, log),
      fanout(context, device_lists, sessions, group_fanout),
      transmission(context, fanout, sent, log),
      add_ons(context, log, groups),
      sending(context, chats, fanout, transmission, sent, log, add_ons, *files),
      bootstrap(context, keys, companions, app_state, sending),
      receipts(context, chats, log, sent),
      retries(context, chats, groups, keys, sessions, group_fanout, sent, log),
      auto_replies(context, receipts, sending),
      downloads(context, log, *files),
      reuploads(context, chats, log, *files),
      receiving({context, chats, groups, sender_keys, sessions, log, receipts, retries, bootstrap, auto_replies,
                 add_ons, downloads}) {
  app_state.on_name = [this](const std::string& name) { people.rename(name, [](const protocol::Result<Node>&) {}); };
  sent.on_answered = [this](const std::string& id) { add_ons.on_answered(id); };
}

Phone::State::~State() {
  if (context.powered()) context.network.detach(context.self(), *this);
}

void Phone::State::on_message_changed(std::uint64_t number) {
  context.changed(RowKind::phone_message, row_number(number, 8));
  std::erase_if(listeners, [](const auto& listener) { return listener.expired(); });
  for (const auto& listener : listeners) {
    if (const auto alive = listener.lock()) (*alive)();
  }
}

// --- power

void Phone::State::power_on() {
  if (context.powered()) return;
  context.start();
  context.core_changed();
  context.network.attach_phone(context.account.phone, *this);
  people.resume();
  bootstrap.resume();
  groups.resume();
  sending.resume();
  transmission.resume();
  downloads.resume();
  context.schedule();
}

void Phone::State::power_off() {
  if (!context.powered()) return;
  context.stop();
  context.core_changed();
  transmission.pause();
  downloads.pause();
  context.network.detach(context.self(), *this);
  context.close_questions();
}

void Phone::State::reinstall() {
  // The companions were vouched for by an identity that no longer exists.
  const auto& phone = context.account.phone;
  for (const std::uint16_t device : companions.devices()) (void)context.network.unlink({phone, device});
  companions.clear();
  keys.install();
  sessions.clear();
  sender_keys.clear();
  account_keys.clear();
  sent.abandon("the phone was installed anew before it was sent");
  device_lists.clear();
  transmission.clear();
  sending.clear();
  retries.clear();
  bootstrap.clear();
  app_state.forget_key();
  context.forget_questions();
  pairing.end_code(Error(Errc::closed, "the phone was installed anew"));
  keys.publish();
  groups.fetch_all();
}

// --- stanzas

void Phone::State::handle(const Node& stanza) {
  if (stanza.is("iq")) return on_iq(stanza);
  if (stanza.is("message")) return receiving.on_message(stanza);
  if (stanza.is("receipt")) return on_receipt(stanza);
  if (stanza.is("ack")) return transmission.on_ack(stanza);
  if (stanza.is("notification")) return on_notification(stanza);
  if (stanza.is("presence")) return people.on_presence(stanza);
  if (stanza.is("chatstate")) return people.on_chat_state(stanza);
  if (stanza.is("call")) calls.on_call(stanza);
}

void Phone::State::on_iq(const Node& iq) {
  const std::string type = iq.attr("type");
  if (type == "get" || type == "set") return context.send(protocol::iq_result(iq));
  context.on_answer(iq);
}

void Phone::State::on_receipt(const Node& receipt) {
  const std::string type = receipt.attr("type");
  if (type == "retry") return retries.on_request(receipt);
  if (type == "server-error") return reuploads.on_request(receipt);
  receipts.on_receipt(receipt);
}

void Phone::State::on_notification(const Node& notification) {
  const std::string type = notification.attr("type");
  const auto from = notification.jid("from");
  const auto who = from ? context.key_of(*from) : std::nullopt;
  if (type == "encrypt") {
    if (notification.child("count") != nullptr) keys.publish();
    if (notification.child("identity") != nullptr && who && who->phone != context.account.phone)
      on_new_identity(who->phone);
  } else if (type == "devices" || type == "account_sync") {
    if (who) on_devices(notification, who->phone);
  } else if (type == "server_sync") {
    app_state.on_server_sync(notification);
  } else if (type == "w:gp2") {
    groups.on_notification(notification);
  } else {
    people.on_notification(notification);
  }
  context.send(protocol::ack_for(notification, std::nullopt));
}

void Phone::State::on_devices(const Node& notification, const std::string& phone) {
  device_lists.forget(phone);
  // Whoever has the device reads on with its key; a new one is simply not marked (03 section 2).
  if (notification.child("remove") != nullptr) sender_keys.rotate_if_given(phone);
}

/// The contact installed anew: its device 0 vouches for nothing we know, and sessions with it are dead.
void Phone::State::on_new_identity(const std::string& phone) {
  account_keys.forget(phone);
  device_lists.forget(phone);
  sessions.archive({phone, 0});
  sender_keys.unmark_all(phone);
}

}  // namespace wharf::sandbox
