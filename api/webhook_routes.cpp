// Handlers of webhooks, of one session and of all.
#include <fmt/format.h>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

#include "api/event_id.h"
#include "api/event_names.h"
#include "api/handlers.h"
#include "api/iso_time.h"

namespace wharf::api {
namespace {

using protocol::Result;
using storage::WebhookRow;

constexpr std::size_t max_webhooks_per_scope = 100;

// --- one from_json / to_json pair

std::vector<std::pair<std::string, std::string>> headers_from_json(const boost::json::object& body) {
  std::vector<std::pair<std::string, std::string>> out;
  if (const auto* headers = body.if_contains("headers"); headers && headers->is_object())
    for (const auto& member : headers->get_object()) out.emplace_back(member.key(), member.value().get_string());
  return out;
}

/// What answers show instead of a credential. Who reads a webhook and writes it back means the one that is stored.
constexpr std::string_view masked = "***";

WebhookRow webhook_from_json(const boost::json::object& body) {
  WebhookRow row;
  row.url = text_of(body, "url");
  row.events = texts_of(body, "events");
  if (row.events.empty()) row.events = {"*"};
  row.headers = headers_from_json(body);
  row.secret = text_of(body, "secret");
  if (const auto previous = text_of(body, "previousSecret"); !previous.empty() && !row.secret.empty())
    row.secret.append(" ").append(previous);
  return row;
}

// A new secret signs first and the one before it signs as well, until `previousSecret` is set to another or to null.
void change_webhook(const boost::json::object& body, WebhookRow& row) {
  if (const auto url = text_of(body, "url"); !url.empty() && url != net::without_credentials(row.url)) row.url = url;
  if (auto events = texts_of(body, "events"); !events.empty()) row.events = std::move(events);
  if (body.contains("headers")) {
    auto headers = headers_from_json(body);
    for (auto& [name, value] : headers) {
      const auto same = [&name = name](const auto& header) { return header.first == name; };
      const auto stored = std::find_if(row.headers.begin(), row.headers.end(), same);
      if (value == masked && stored != row.headers.end()) value = stored->second;
    }
    row.headers = std::move(headers);
  }
  const std::size_t space = row.secret.find(' ');
  std::string newest = row.secret.substr(0, space);
  std::string previous = space == std::string::npos ? std::string() : row.secret.substr(space + 1);
  if (const auto* secret = body.if_contains("secret"); secret && secret->is_null()) {
    newest.clear();
  } else if (const auto given = text_of(body, "secret"); !given.empty() && given != newest) {
    previous = std::exchange(newest, std::string(given));
  }
  if (body.contains("previousSecret")) previous = text_of(body, "previousSecret");  // null: none
  row.secret = newest.empty() || previous.empty() || previous == newest ? newest : newest + " " + previous;
}

/// A masked part of `body` that stands for nothing stored; "" when there is none.
std::string_view unknown_mask(const boost::json::object& body, const WebhookRow& stored) {
  const std::string url(text_of(body, "url"));
  const auto parsed = net::parse_url(url);
  if (parsed && parsed->userinfo.ends_with(masked) && url != stored.url && url != net::without_credentials(stored.url))
    return "url";
  for (const auto& [name, value] : headers_from_json(body)) {
    const auto same = [&name = name](const auto& header) { return header.first == name; };
    if (value == masked && std::none_of(stored.headers.begin(), stored.headers.end(), same)) return "headers";
  }
  return {};
}

/// A second secret signs beside the first one: without that it would be taken and sign nothing.
bool second_secret_alone(const boost::json::object& body, const WebhookRow& stored) {
  if (text_of(body, "previousSecret").empty() || !text_of(body, "secret").empty()) return false;
  return stored.secret.empty() || body.contains("secret");  // null: the webhook becomes unsigned
}

Failure second_secret_refused() {
  return failure_of({FieldProblem{"previousSecret", "must not stand without secret: it signs beside that one"}});
}

/// What carries credentials is shown to the caller who just gave it, value for value in `given`, and to nobody else:
/// a mask that was sent back gives nothing.
void write_webhook(JsonWriter& out, const WebhookRow& row, std::string_view org, std::string_view session_name,
                   const boost::json::object& given = {}) {
  out.begin_object().text("id", row.id).text("webhookId", row.id).text("org", org).key("sessionId");
  row.session ? out.text(session_name) : out.null();
  out.text("url", text_of(given, "url") == row.url ? row.url : net::without_credentials(row.url));
  out.key("events").begin_array();
  for (const std::string& name : row.events) out.text(name);
  out.end_array();
  if (std::any_of(row.events.begin(), row.events.end(), [](const std::string& name) { return !can_fire(name); })) {
    out.key("notYetFired").begin_array();
    for (const std::string& name : row.events)
      if (!can_fire(name)) out.text(name);
    out.end_array();
  }
  out.key("headers").begin_object();
  const auto given_headers = headers_from_json(given);
  for (const auto& header : row.headers) {
    const bool shown = std::find(given_headers.begin(), given_headers.end(), header) != given_headers.end();
    out.text(header.first, shown ? std::string_view(header.second) : masked);
  }
  out.end_object()
      .boolean("signed", !row.secret.empty())
      .number("secrets", row.secret.empty()                          ? 0
                         : row.secret.find(' ') == std::string::npos ? 1
                                                                     : 2)
      .text("createdAt", iso_seconds(row.created_at))
      .end_object();
}

void write_delivery(JsonWriter& out, const DeliveryView& view) {
  out.begin_object().text("eventId", event_id_text(view.event)).text("state", name(view.state));
  out.number("attempts", view.attempts);
  if (view.status != 0) out.number("status", view.status);
  out.text_if("lastError", view.last_error);
  if (view.first_try != 0) out.text("firstTryAt", iso_millis(view.first_try));
  if (view.next_try != 0) out.text("nextTryAt", iso_millis(view.next_try));
  if (view.delivered_at != 0) out.text("deliveredAt", iso_millis(view.delivered_at));
  out.end_object();
}

// --- whose webhooks

struct Owner {
  storage::OrgId org = storage::default_org;
  std::optional<storage::SessionId> session;
  std::string session_name;

  WebhookScope scope() const { return session ? WebhookScope(*session) : WebhookScope(org); }
};
/// The session of the path, or every session of the caller's organisation. nullopt when it was answered.
std::optional<Owner> owner_of(const ServicesPtr& services, const CallPtr& call) {
  if (call->param("sessionId").empty()) return Owner();
  const auto view = session_of(services, call);
  if (!view) return std::nullopt;
  return Owner{view->org, view->id, view->name};
}

const WebhookRow* webhook_of(const ServicesPtr& services, const CallPtr& call, const Owner& owner) {
  const WebhookRow* row = services->webhooks.find(call->param("webhookId"));
  if (row && scope_of(*row) == owner.scope()) return row;
  call->failure(Failure(ErrorCode::webhook_not_found,
                        fmt::format("Webhook with ID '{}' not found", echo(call->param("webhookId")))));
  return nullptr;
}

// Names are resolved and checked at each delivery; what is plainly private is refused at once.
bool plainly_private(const std::string& url_text) {
  const auto url = net::parse_url(url_text);
  if (!url) return false;
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(url->host, failed);
  return failed ? url->host == "localhost" || url->host.ends_with(".localhost") : !net::globally_routable(address);
}

Failure mask_refused(std::string_view field) {
  return failure_of(
      {FieldProblem{std::string(field), "has *** for a credential that is not stored: give the value itself"}});
}

void answer_webhook(const ServicesPtr& services, const CallPtr& call, const WebhookRow& row,
                    const std::string& session_name, unsigned status, std::string_view message) {
  JsonWriter out;
  write_webhook(out, row, services->name_of(row.org), session_name, call->body);
  call->success(out.view(), Beside{status, std::string(message), {}});
}

// The same URL is the same webhook. What is given this time is so from now on, as with PATCH: a program that registers
// at each start and now asks for other events or for a signature must not take a 2xx for having them.
void register_again(const ServicesPtr& services, const CallPtr& call, const WebhookRow& there,
                    const std::string& session_name) {
  boost::json::object named;  // without null: a registration that leaves something open takes nothing away
  for (const auto& member : call->body)
    if (!member.value().is_null()) named[member.key()] = member.value();
  WebhookRow changed = there;
  change_webhook(named, changed);
  if (changed == there)
    return answer_webhook(services, call, there, session_name, 201, "This webhook is registered already");
  services->webhooks.update(
      there.id, [named](WebhookRow& row) { change_webhook(named, row); },
      [services, call, session_name](Result<WebhookRow> updated) {
        if (!updated) return call->failure(failure_of(updated.error()));
        answer_webhook(services, call, *updated, session_name, 201,
                       "This webhook was registered already and has been changed");
      });
}

}  // namespace

void register_webhook(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  WebhookRow row = webhook_from_json(call->body);
  if (!services->settings.webhooks_allow_private && plainly_private(row.url))
    return call->failure(
        failure_of({FieldProblem{"url", "must not be a private or loopback address (webhooks.allow_private is off)"}}));
  const auto there = services->webhooks.list(owner->scope());
  const auto known =
      std::find_if(there.begin(), there.end(), [&](const WebhookRow* other) { return other->url == row.url; });
  if (const std::string_view field = unknown_mask(call->body, known == there.end() ? WebhookRow() : **known);
      !field.empty())
    return call->failure(mask_refused(field));
  if (second_secret_alone(call->body, known == there.end() ? WebhookRow() : **known))
    return call->failure(second_secret_refused());
  if (known == there.end() && there.size() >= max_webhooks_per_scope)
    return call->failure(
        Failure(ErrorCode::validation, fmt::format("at most {} webhooks; remove one first", max_webhooks_per_scope)));
  row.id = "wh_" + protocol::to_hex(services->ports.random.bytes<10>());
  row.org = owner->org;
  row.session = owner->session;
  row.created_at = services->ports.scheduler.unix_ms();
  services->webhooks.add(row, [services, call, row, session_name = owner->session_name](Result<WebhookRow> added) {
    if (!added) return call->failure(failure_of(added.error()));
    if (added->id != row.id) return register_again(services, call, *added, session_name);
    answer_webhook(services, call, *added, session_name, 201, "Webhook registered successfully");
  });
}

void update_webhook(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  const WebhookRow* row = webhook_of(services, call, *owner);
  if (!row) return;
  if (call->body.contains("url") && !services->settings.webhooks_allow_private &&
      plainly_private(std::string(text_of(call->body, "url"))))
    return call->failure(
        failure_of({FieldProblem{"url", "must not be a private or loopback address (webhooks.allow_private is off)"}}));
  if (const std::string_view field = unknown_mask(call->body, *row); !field.empty())
    return call->failure(mask_refused(field));
  if (second_secret_alone(call->body, *row)) return call->failure(second_secret_refused());
  const std::string id = row->id;
  services->webhooks.update(
      id, [&body = call->body](WebhookRow& changed) { change_webhook(body, changed); },
      [services, call, session_name = owner->session_name](Result<WebhookRow> updated) {
        if (!updated && updated.error().code == protocol::Errc::conflict)
          return call->failure(Failure(ErrorCode::webhook_exists, updated.error().detail,
                                       {{"url", "must not be the URL of another webhook"}}));
        if (!updated) return call->failure(failure_of(updated.error()));
        answer_webhook(services, call, *updated, session_name, 200, "Webhook updated successfully");
      });
}

void list_webhooks(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  JsonWriter out;
  out.begin_array();
  for (const WebhookRow* row : services->webhooks.list(owner->scope()))
    write_webhook(out, *row, services->name_of(row->org), owner->session_name);
  out.end_array();
  call->success(out.view());
}

void get_webhook(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  const WebhookRow* row = webhook_of(services, call, *owner);
  if (!row) return;
  JsonWriter out;
  write_webhook(out, *row, services->name_of(row->org), owner->session_name);
  call->success(out.view());
}

void remove_webhook(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  const WebhookRow* row = webhook_of(services, call, *owner);
  if (!row) return;
  const std::string id = row->id;
  services->webhooks.remove(id, [call](Result<void> removed) {
    if (!removed) return call->failure(failure_of(removed.error()));
    call->success({}, Beside{200, "Webhook removed successfully", {}});
  });
}

void list_deliveries(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  const WebhookRow* row = webhook_of(services, call, *owner);
  if (!row) return;
  JsonWriter out;
  out.begin_array();
  for (const auto& view :
       services->webhooks.deliveries(row->id, static_cast<std::size_t>(call->query.integer("limit", 100))))
    write_delivery(out, view);
  out.end_array();
  call->success(out.view());
}

void redeliver(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  const WebhookRow* row = webhook_of(services, call, *owner);
  if (!row) return;
  const std::string& text = call->param("eventId");
  const auto event = parse_event_id(text);
  if (!event) return call->failure(failure_of({FieldProblem{"eventId", "must be the id of an event, as it came"}}));
  const std::string id = row->id;
  services->webhooks.redeliver(id, *event, [call, text](Result<void> queued) {
    if (!queued && queued.error().code == protocol::Errc::not_found)
      return call->failure(
          Failure(ErrorCode::event_not_found, fmt::format("the log has no event {} for this webhook", text)));
    if (!queued) return call->failure(failure_of(queued.error()));
    JsonWriter out;
    out.begin_object().text("eventId", text).text("state", "waiting").end_object();
    call->success(out.view(), Beside{202, "Delivery queued", {}});
  });
}

void test_webhook(const ServicesPtr& services, const CallPtr& call) {
  const auto owner = owner_of(services, call);
  if (!owner) return;
  const WebhookRow* row = webhook_of(services, call, *owner);
  if (!row) return;
  const std::string id = row->id;
  services->webhooks.test(id, call->request_id, [call](Result<DeliveryOutcome> outcome) {
    if (!outcome) return call->failure(failure_of(outcome.error()));
    JsonWriter out;
    out.begin_object()
        .boolean("delivered", outcome->delivered)
        .number("status", outcome->status)
        .text_if("error", outcome->error)
        .end_object();
    call->success(out.view());
  });
}

}  // namespace wharf::api
