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
      group_store(context),
      group_dirt(context),
      memory([this](std::string name) { context.changes.changed(RowKind::accepted, {}, std::move(name)); },
             [this](std::string name) { context.changes.changed(RowKind::message_key, {}, std::move(name)); }),
      delivery(context, accounts,
               [this](const DeviceKey& full) { (void)companions.unlink(full, Companions::RemovedBy::account); }),
      message_faults(context, delivery),
      account_sync(context, delivery),
      blocklist(context, accounts, account_sync),
      privacy(context, accounts, delivery, account_sync, tokens),
      audience(context, accounts, delivery, privacy, blocklist, tokens),
      profile_pictures(context, accounts, audience, account_sync),
      profiles(context, accounts, audience, account_sync),
      businesses(context, accounts, audience),
      statuses(context, accounts),
      presence(context, accounts, delivery, privacy, blocklist, tokens, group_store, account_sync),
      calls(context, accounts, delivery, blocklist),
      device_lists(context, accounts, delivery, account_sync, group_store),
      prekeys(context, accounts, delivery, group_store),
      login(context, accounts, delivery, presence, group_dirt),
      companions(context, accounts, delivery, login, prekeys, device_lists, group_dirt),
      pending(context),
      pairing(context, accounts, pending, device_lists, group_store, group_dirt),
      link_codes(context, accounts, pending),
      usync(context, accounts, profiles, profile_pictures, businesses),
      app_state(context, account_sync),
      media(context, tokens),
      group_views(context, accounts),
      group_notices(context, accounts, delivery, group_views, group_dirt),
      group_membership(context, accounts, group_store, group_views, group_notices),
      number_changes(accounts, audience, companions, group_store, group_views, group_membership),
      lid_changes(accounts, audience, login, blocklist, privacy, group_store, group_membership),
      group_admission(context, accounts, group_store, group_views, blocklist, privacy),
      group_communities(context, accounts, group_store, group_views, group_notices, group_membership),
      group_members(context, group_store, group_views, group_notices, group_admission, group_membership,
                    group_communities),
      group_settings(context, group_store, group_views, group_notices),
      group_queries(group_store, group_views),
      group_entry(context, accounts, group_store, group_views, group_notices, group_admission, group_membership,
                  group_communities),
      group_pictures(context, accounts, delivery, group_store),
      group_iqs({context, group_members, group_settings, group_queries, group_entry, group_communities, group_pictures,
                 group_dirt}),
      group_faults(context,
                   {[this](Group& group) { group_membership.switch_addressing(group); },
                    [this](Group& group, const Party& spared) { group_membership.remove_someone(group, spared); }}),
      group_receipts(context, accounts, delivery, memory),
      message_answers(context),
      channel_store(context),
      channel_desk(context, accounts, delivery, channel_store),
      channel_posts(context, delivery, channel_store, channel_desk, message_answers),
      channel_iqs(context, channel_store, channel_desk, channel_posts),
      key_watch(context, memory),
      group_routing({context, accounts, group_store, group_views, group_faults, message_faults, memory, message_answers,
                     key_watch}),
      routing(context, accounts, message_faults, memory, blocklist, tokens, message_answers, key_watch, group_routing),
      receipts(context, accounts, delivery, memory, blocklist, group_store, group_receipts),
      iqs({context, delivery, prekeys, usync, app_state, privacy, blocklist, companions, media, group_iqs,
           profile_pictures, profiles, businesses, statuses, channel_iqs}) {}

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
    const auto to = stanza.jid("to");
    if (to && to->is_channel()) channel_posts.on_message(origin, stanza, *to);
    else routing.on_message(origin, stanza);
  } else if (stanza.is("receipt")) {
    receipts.on_receipt(origin, stanza);
    channel_posts.on_receipt(origin, stanza);
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
    calls.on_call(origin, stanza);
  } else {
    context.complain("unknown stanza from " + text_of(from) + ": " + protocol::summary(stanza));
  }
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
