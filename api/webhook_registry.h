#pragma once
// Which webhooks there are: registered, changed and removed durably, found by id, scope and URL. Loop thread only.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/webhook_hook.h"
#include "api/webhook_scope.h"
#include "storage/store.h"

namespace wharf::api {

class WebhookRegistry {
 public:
  using Heard = std::function<void(WebhookHook&)>;
  /// `added` hears of a webhook when its row is durable, `going` of one that is forgotten before it goes.
  WebhookRegistry(storage::Store& store, const WebhookSettings& settings, Heard added, Heard going)
      : store_(store), settings_(settings), added_(std::move(added)), going_(std::move(going)) {}

  using Registered = std::function<void(protocol::Result<storage::WebhookRow>)>;
  // As WebhookDispatcher. `head`, at the time of the registration: the newest event of the log.
  void add(storage::WebhookRow row, const storage::EventId& head, Registered done);
  void update(const std::string& id, const std::function<void(storage::WebhookRow&)>& change, Registered done);
  void remove(const std::string& id, std::function<void(protocol::Result<void>)> done);
  void session_removed(storage::SessionId session);

  /// One that is on the disk already.
  WebhookHook& adopt(storage::WebhookRow row);
  /// nullptr: there is none. Completions look webhooks up and never hold one.
  WebhookHook* find(const std::string& id) const;
  /// By registration.
  const std::vector<WebhookHook*>& of(const WebhookScope& scope) const;
  const std::map<std::string, std::unique_ptr<WebhookHook>>& all() const { return hooks_; }

 private:
  /// The webhook of a URL in its scope. Changes under way count.
  WebhookHook* with_url(const WebhookScope& scope, const std::string& url) const;
  void forget(const std::string& id);

  storage::Store& store_;
  const WebhookSettings& settings_;
  Heard added_, going_;
  std::map<std::string, std::unique_ptr<WebhookHook>> hooks_;
  std::map<WebhookScope, std::vector<WebhookHook*>> by_scope_;
  std::set<std::pair<WebhookScope, std::string>> adding_;  // URLs being committed
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // commits under way hold it weakly
};

}  // namespace wharf::api
