// notification_stanza(): the inverse of read_notification() for a network that we play. Specification 05 section 6.2,
// 06 section 12.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

/// Fills type, from and children; the caller puts the header around them.
struct Writer {
  Node& out;
  const Jid own;

  Node& begin(std::string_view type, const Jid& from) { return out.set("type", type).set("from", from); }
  Node& from_server(std::string_view type) { return begin(type, server_jid()); }
  Node& account_sync() { return begin("account_sync", own.user_jid()); }

  void operator()(const PreKeysLow& e) {
    Node count("count");
    from_server("encrypt").add(put(count, "value", e.left));
  }
  void operator()(const KeyDigestAsked&) { from_server("encrypt").add(Node("digest")); }
  void operator()(const IdentityChanged& e) {
    begin("encrypt", e.jid).add(Node("identity"));
    put(out, "lid", e.lid);
  }
  void operator()(const DeviceListChanged& e) {
    const bool is_own = e.change == DeviceListChanged::Change::own;
    Node list(is_own                                          ? "devices"
              : e.change == DeviceListChanged::Change::add    ? "add"
              : e.change == DeviceListChanged::Change::remove ? "remove"
                                                              : "update");
    put(list, is_own ? "dhash" : e.change == DeviceListChanged::Change::update ? "hash" : "device_hash", e.hash);
    put(list, "device_lid_hash", e.lid_hash);
    for (const ChangedDevice& device : e.devices) {
      Node row("device");
      put(row.set("jid", device.jid), "lid", device.lid);
      if (device.key_index) row.set("key-index", std::uint64_t{*device.key_index});
      list.add(std::move(row));
    }
    if (e.listed_at || !e.key_index_list.empty()) {
      Node index("key-index-list");
      put(index, "ts", e.listed_at);
      if (!e.key_index_list.empty()) index.bytes(e.key_index_list);
      list.add(std::move(index));
    }
    if (is_own) {
      account_sync().add(std::move(list));
    } else {
      begin("devices", e.jid).add(std::move(list));
      put(out, "lid", e.lid);
    }
  }
  void operator()(const AppStateMoved& e) {
    begin("server_sync", own.user_jid());
    for (const CollectionVersion& collection : e.collections) {
      Node row("collection");
      out.add(put(row.set("name", collection.name), "version", collection.version));
    }
  }
  void operator()(const PrivacyChanged& e) {
    Node privacy("privacy");
    for (const PrivacySetting& setting : e.settings)
      privacy.add(Node("category").set("name", name(setting.category)).set("value", name(setting.value)));
    account_sync().add(std::move(privacy));
  }
  void operator()(const BlocklistChanged& e) {
    Node list("blocklist");
    put(put(list, "dhash", e.dhash), "prev_dhash", e.previous_dhash);
    for (const auto& change : e.changes)
      list.add(Node("item").set("jid", change.jid).set("action", change.blocked ? "block" : "unblock"));
    account_sync().add(std::move(list));
  }
  void operator()(const DefaultTimerChanged& e) {
    Node mode("disappearing_mode");
    put(mode.set("duration", std::uint64_t{e.seconds}), "t", e.at);
    (e.contact ? begin("disappearing_mode", *e.contact) : account_sync()).add(std::move(mode));
  }
  void operator()(const OwnPushNameChanged& e) { account_sync().set("pushname", e.name); }
  void operator()(const PictureChanged& e) {
    if (e.own) {
      account_sync().add(Node("picture"));
      return;
    }
    Node child(e.removed ? "delete" : "set");
    child.set("jid", e.jid);
    begin("picture", e.jid).add(put(put(child, "id", e.picture_id), "author", e.author));
  }
  void operator()(const AboutChanged& e) {
    if (e.own) account_sync().add(Node("status"));
    else begin("status", e.jid).add(Node("set").text(e.about.value_or("")));
  }
  void operator()(const TrustedTokenReceived& e) {
    Node token("token");
    token.set("jid", own.user_jid()).set("t", e.at).set("type", "trusted_contact").bytes(e.token);
    begin("privacy_token", e.from).add(Node("tokens").add(std::move(token)));
    put(out, "sender_lid", e.lid);
  }
  void operator()(const ContactChanged& e) {
    Node update("update");
    from_server("contacts").add(put(put(update, "jid", e.jid), "hash", e.hash));
  }
  void operator()(const ContactNumberChanged& e) {
    Node modify("modify");
    modify.set("old", e.old_jid).set("new", e.new_jid);
    from_server("contacts").add(put(put(modify, "old_lid", e.old_lid), "new_lid", e.new_lid));
  }
  void operator()(const ContactSyncAsked& e) {
    Node sync("sync");
    from_server("contacts").add(put(sync, "after", e.after));
  }
  void operator()(const MediaRetried& e) {
    begin("mediaretry", own.user_jid()).set("id", e.answer.id);
    if (e.answer.message) {
      Node rmr("rmr");
      rmr.set("jid", e.answer.message->chat).set("from_me", e.answer.message->from_me ? "true" : "false");
      out.add(put(rmr, "participant", e.answer.message->participant));
    }
    if (e.answer.error_code) {
      out.add(Node("error").set("code", std::uint64_t{*e.answer.error_code}));
      return;
    }
    Node sealed("encrypt");
    sealed.add(Node("enc_p").bytes(e.answer.sealed.payload)).add(Node("enc_iv").bytes(e.answer.sealed.iv));
    out.add(std::move(sealed));
  }
  void operator()(const ChannelMessageUpdated& e) {
    Node message("message");
    message.set("server_id", e.counts.server_id);
    add_channel_counts(message, e.counts);
    Node messages("messages");
    messages.set("jid", e.channel).add(std::move(message));
    begin("newsletter", e.channel).add(Node("live_updates").add(std::move(messages)));
  }
  void operator()(const RegistrationCodeAsked& e) {
    Node code("wa_old_registration");
    put(code.set("code", e.code), "expiry_t", e.expires);
    from_server("registration").add(put(code, "device_id", e.device));
  }
  void operator()(const TakeoverAttempted& e) {
    Node logout("device_logout");
    put(put(logout, "t", e.at), "device", e.device);
    from_server("registration").add(put(logout, "new_device_platform", e.platform));
  }
  void operator()(const BusinessNameChanged& e) {
    Node child("verified_name");
    put(put(child.set("jid", e.jid), "hash", e.hash), "verified_level", e.level);
    if (!e.certificate.empty()) child.bytes(e.certificate);
    begin("business", e.jid).add(std::move(child));
  }
  void operator()(const BusinessRemoved& e) { about_business("remove", e.jid, e.hash); }
  void operator()(const BusinessProfileChanged& e) { about_business("profile", e.jid, e.hash); }
  void about_business(std::string_view tag, const Jid& jid, const std::string& hash) {
    Node child(tag);
    begin("business", jid).add(put(child.set("jid", jid), "hash", hash));
  }
  void operator()(const CatalogChanged& e) {
    Node catalog("product_catalog");
    for (const std::string& id : e.products) catalog.add(Node("product").add(Node("id").text(id)));
    for (const std::string& id : e.collections) catalog.add(Node("collection").set("id", id));
    begin("business", e.jid).add(std::move(catalog));
  }
  void operator()(const PairingStep& e) {
    from_server("link_code_companion_reg").add(Node("link_code_companion_reg").set("stage", e.stage));
  }
  void operator()(const AdvRotationAsked&) { from_server("companion_reg_refresh").add(Node("pair-device-rotate-qr")); }
  void operator()(const UnknownNotification& e) {
    from_server(e.type);
    if (e.operation) out.add(Node("update").set("op_name", *e.operation).text("{}"));
    if (!e.child.empty()) out.add(Node(e.child));
  }
  template <class MexEvent>
  void operator()(const MexEvent& e) {
    const auto notice = notifications::mex_notice(e);
    from_server("mex").add(Node("update").set("op_name", notice->operation).text(notice->json));
  }
};

}  // namespace

Node notification_stanza(const NotificationHeader& header, const NotificationEvent& event) {
  Node stanza("notification");
  stanza.set("id", header.id).set("t", header.unix_seconds);
  std::visit(Writer{stanza, header.own}, event);
  return stanza;
}

}  // namespace wharf::protocol
