#include "sandbox/network/iq.h"

#include <string>
#include <string_view>
#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

struct Asked {
  const IqCatalogue::Parts& parts;
  Origin& origin;
  const Node& iq;
  NetworkContext& context() const { return parts.context; }
  void reply(const Node& node) const { parts.context.send(origin.key, node); }
  void accept() const { reply(result_of(iq)); }
  void with(Node child) const { reply(result_of(iq).add(std::move(child))); }
  void refuse(unsigned code, std::string_view text) const { reply(error_of(iq, code, text)); }
  bool set() const { return iq.attr("type") == "set"; }
};

void on_abt(const Asked& asked) {
  Node props("props");
  props.set("protocol", "1").set("hash", "sandbox").set("refresh", "86400").set("refresh_id", "0");
  asked.with(props.set("delta_update", "false"));
}

void on_passive(const Asked& asked) {
  const bool active = asked.iq.child("active") != nullptr;
  if (!active && !asked.iq.child("passive")) return asked.refuse(400, "bad-request");
  asked.accept();
  asked.parts.delivery.set_passive(asked.origin.key, !active);
}

void on_picture(const Asked& asked) {
  const auto target = asked.iq.jid("target");
  if (target && target->is_group()) return asked.parts.groups.on_iq(asked.origin, asked.iq);
  asked.parts.pictures.on_iq(asked.origin, asked.iq);
}

void on_status(const Asked& asked) {
  if (asked.set()) return asked.parts.profiles.set_about(asked.origin, asked.iq);
  asked.parts.statuses.on_iq(asked.origin, asked.iq);
}

void on_default_timer(const Asked& asked) {
  if (asked.set()) return asked.parts.profiles.set_timer(asked.origin, asked.iq);
  asked.refuse(400, "bad-request");
}

void on_dirty(const Asked& asked) {
  const auto* clean = asked.iq.child("clean");
  if (clean != nullptr && clean->attr("type") == "groups") return asked.parts.groups.on_iq(asked.origin, asked.iq);
  asked.accept();
}

void on_push(const Asked& asked) {
  if (asked.set()) return asked.accept();
  asked.with(Node("settings"));
}

void on_mex(const Asked& asked) {
  if (!asked.parts.channels.on_mex(asked.origin, asked.iq)) asked.with(Node("result").text(R"({"data":{}})"));
}

void on_bot(const Asked& asked) {
  Node bot("bot");
  asked.with(bot.set("v", "2").add(Node("section").set("type", "all")));
}

void on_newsletter(const Asked& asked) {
  if (asked.iq.child("my_addons")) return asked.with(Node("my_addons"));
  if (!asked.parts.channels.on_newsletter(asked.origin, asked.iq)) asked.refuse(404, "item-not-found");
}

void on_qr(const Asked& asked) {
  asked.with(Node("qr").set("code", protocol::to_base64url(asked.context().random.bytes<15>())).set("type", "contact"));
}

void on_call_link(const Asked& asked) {
  asked.with(Node("link_create").set("token", protocol::to_base64url(asked.context().random.bytes<12>())));
}

void just_accept(const Asked& asked) { asked.accept(); }
void not_found(const Asked& asked) { asked.refuse(404, "item-not-found"); }
void not_implemented(const Asked& asked) { asked.refuse(501, "feature-not-implemented"); }

struct Entry {
  std::string_view xmlns;
  void (*handle)(const Asked&);
};
constexpr Entry catalogue[] = {
    {"encrypt", [](const Asked& a) { a.parts.prekeys.on_iq(a.origin, a.iq); }},
    {"usync", [](const Asked& a) { a.parts.usync.on_iq(a.origin, a.iq); }},
    {"w:p", just_accept},
    {"urn:xmpp:ping", just_accept},
    {"passive", on_passive},
    {"abt", on_abt},
    {"privacy", [](const Asked& a) { a.parts.privacy.on_iq(a.origin, a.iq); }},
    {"blocklist", [](const Asked& a) { a.parts.blocklist.on_iq(a.origin, a.iq); }},
    {"w:m", [](const Asked& a) { a.parts.media.on_iq(a.origin, a.iq); }},
    {"w:sync:app:state", [](const Asked& a) { a.parts.app_state.on_iq(a.origin, a.iq); }},
    {"w:g2", [](const Asked& a) { a.parts.groups.on_iq(a.origin, a.iq); }},
    {"w:profile:picture", on_picture},
    {"status", on_status},
    {"disappearing_mode", on_default_timer},
    {"w:biz", [](const Asked& a) { a.parts.businesses.on_iq(a.origin, a.iq); }},
    {"fb:thrift_iq", not_found},
    {"w:biz:catalog", [](const Asked& a) { a.parts.businesses.on_catalogue(a.origin, a.iq); }},
    {"bot", on_bot},
    {"md", [](const Asked& a) { a.parts.companions.on_iq(a.origin, a.iq); }},
    {"urn:xmpp:whatsapp:dirty", on_dirty},
    {"urn:xmpp:whatsapp:push", on_push},
    {"w:mex", on_mex},
    {"newsletter", on_newsletter},
    {"tos", just_accept},
    {"w:stats", just_accept},
    {"w:qr", on_qr},
    {"fbid:devices", not_implemented},
    {"call", on_call_link},
    {"w:call", on_call_link},
};

}  // namespace

void IqCatalogue::on_iq(Origin& origin, const Node& iq) {
  auto& context = parts_.context;
  const auto type = iq.attr("type");
  if (type == "result" || type == "error") return;  // of a server ping
  if (iq.attr("id").empty()) return;                // nothing could be answered
  if (type != "get" && type != "set") return context.send(origin.key, error_of(iq, 400, "bad-request"));
  const auto xmlns = iq.attr("xmlns");
  if (origin.key.device != 0 && context.faults.rate_limit_iqs > 0 && xmlns != "w:p") {
    --context.faults.rate_limit_iqs;
    return context.send(origin.key, error_of(iq, 429, "rate-overlimit", rate_limit_backoff_seconds));
  }
  for (const auto& entry : catalogue) {
    if (entry.xmlns == xmlns) return entry.handle(Asked{parts_, origin, iq});
  }
  ++context.stats.unknown_iqs;
  context.complain("unknown iq " + protocol::summary(iq));
  context.send(origin.key, error_of(iq, 400, "bad-request"));
}

}  // namespace wharf::sandbox
