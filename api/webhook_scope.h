#pragma once
// Whose events a webhook gets.

#include <variant>

#include "storage/events.h"
#include "storage/webhooks.h"

namespace wharf::api {

/// Those of one session, or those of every session of an organisation.
using WebhookScope = std::variant<storage::SessionId, storage::OrgId>;

inline WebhookScope scope_of(const storage::WebhookRow& row) {
  return row.session ? WebhookScope(*row.session) : WebhookScope(row.org);
}
inline bool covers(const WebhookScope& scope, const storage::Event& event) {
  return scope == WebhookScope(event.session) || scope == WebhookScope(event.org);
}

}  // namespace wharf::api
