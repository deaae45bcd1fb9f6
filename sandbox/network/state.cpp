#include "sandbox/network/state.h"

#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

Network::State::State(const NetworkListeners& listeners, Settings settings, NetworkClock& clock,
                      protocol::Random& random)
    : context(listeners, std::move(settings), clock, random,
              [this](const Turns::Sender& from, const Node& stanza) { handle(from, stanza); }),
      tokens(context),
      accounts(context),
      memory([this](std::string name) { context.changes.changed(RowKind::accepted, {}, std::move(name)); },
             [this](std::string name) { context.changes.changed(RowKind::message_key, {}, std::move(name)); }),
      delivery(context, accounts,
               [this](const DeviceKey& full) { (void)companions.unlink(full, Companions::RemovedBy::account); }),
      message_faults(context, delivery),
      account_sync(context, delivery),
      blocklist(context, accounts, account_sync),
      privacy(context, accounts, delivery, account_sync, tokens),
      presence(context, accounts, delivery, privacy, blocklist, tokens),
      device_lists(context, accounts, delivery),
      prekeys(context, accounts, delivery),
      login(context, accounts, delivery, presence),
      companions(context, accounts, delivery, login, prekeys, device_lists),
      pending(context),
      pairing(context, accounts, pending, device_lists),
      link_codes(context, accounts, pending),
      usync(context, accounts),
      app_state(context, delivery),
      media(context, tokens),
      routing(context, accounts, message_faults, memory, blocklist, tokens),
      receipts(context, accounts, delivery, memory, blocklist),
      iqs({context, accounts, delivery, prekeys, usync, app_state, privacy, blocklist, companions, media}) {}

void Network::State::handle(const Turns::Sender& from, const Node& stanza) {
  if (from.pairing != 0) {
    handle_pairing(from.pairing, stanza);
  } else {
    handle_device(from.device, stanza);
  }
}

void Network::State::handle_device(const DeviceKey& from, const Node& stanza) {
  auto* party = accounts.find(from.phone);
  auto* device = accounts.find_device(from);
  if (!party || !device || !context.live.contains(from)) return;  // unlinked or detached while the stanza was waiting
  if (context.log.on()) context.log.note("<", text_of(from), stanza);
  Origin origin{*party, *device, from};
  if (stanza.is("iq")) {
    iqs.on_iq(origin, stanza);
  } else if (stanza.is("message")) {
    routing.on_message(origin, stanza);
  } else if (stanza.is("receipt")) {
    receipts.on_receipt(origin, stanza);
  } else if (stanza.is("ack")) {
    delivery.settle(from, stanza.attr("class"), stanza);
  } else if (stanza.is("presence")) {
    presence.on_presence(origin, stanza);
  } else if (stanza.is("chatstate")) {
    presence.on_chatstate(origin, stanza);
  } else if (stanza.is("ib")) {
    if (const auto* batch = stanza.child("offline_batch"))
      delivery.on_offline_batch(from, batch->number("count").value_or(0));
  } else if (stanza.is("notification")) {
    receipts.on_notification(origin, stanza);
  } else if (stanza.is("call")) {
    acknowledge_call(origin, stanza);
  } else {
    context.complain("unknown stanza from " + text_of(from) + ": " + protocol::summary(stanza));
  }
}

// No call is ever simulated here; the client still waits for its ack (06 section 16).
void Network::State::acknowledge_call(const Origin& origin, const Node& call) {
  Node ack("ack");
  ack.set("class", "call").set("id", call.attr("id")).set("from", call.jid("to").value_or(protocol::server_jid()));
  if (!call.children().empty()) ack.set("type", call.children().front().tag);
  context.send(origin.key, ack.set("t", context.unix_seconds()));
}

void Network::State::handle_pairing(std::uint64_t id, const Node& stanza) {
  auto* found = pending.find(id);
  if (!found) return;
  context.log.note("<", "pairing", stanza);
  if (!stanza.is("iq")) return;
  const auto type = stanza.attr("type");
  if (type == "result" || type == "error") return pairing.on_reply(*found, stanza);
  if (stanza.attr("id").empty()) return;
  if (stanza.attr("xmlns") == "w:p") return found->say(result_of(stanza));
  const auto* code = stanza.attr("xmlns") == "md" ? stanza.child("link_code_companion_reg") : nullptr;
  if (code) return link_codes.on_iq(*found, stanza, *code);
  found->say(error_of(stanza, 401, "not-authorized"));
}

}  // namespace wharf::sandbox
