#include "api/webhook_registry.h"

namespace wharf::api {

using protocol::Errc;
using protocol::Error;
using protocol::Result;
using storage::Changes;

WebhookHook* WebhookRegistry::find(const std::string& id) const {
  const auto found = hooks_.find(id);
  return found == hooks_.end() ? nullptr : found->second.get();
}

const std::vector<WebhookHook*>& WebhookRegistry::of(const WebhookScope& scope) const {
  static const std::vector<WebhookHook*> none;
  const auto found = by_scope_.find(scope);
  return found == by_scope_.end() ? none : found->second;
}

WebhookHook* WebhookRegistry::with_url(const WebhookScope& scope, const std::string& url) const {
  for (WebhookHook* hook : of(scope))
    if (hook->row.url == url || hook->wanted.url == url) return hook;
  return nullptr;
}

WebhookHook& WebhookRegistry::adopt(storage::WebhookRow row) {
  const std::string id = row.id;
  auto& slot = hooks_[id];
  slot = std::make_unique<WebhookHook>(std::move(row), settings_);
  by_scope_[scope_of(slot->row)].push_back(slot.get());
  return *slot;
}

void WebhookRegistry::add(storage::WebhookRow row, const storage::EventId& head, Registered done) {
  const WebhookHook* there = with_url(scope_of(row), row.url);
  if (there && !there->changing) return done(there->row);
  const std::pair<WebhookScope, std::string> key(scope_of(row), row.url);
  if (there || !adding_.insert(key).second) {
    // The same URL is on its way to the disk, or from it: looked for again behind that.
    return store_.commit(Changes(), [this, alive = std::weak_ptr(alive_), row = std::move(row), &head,
                                     done = std::move(done)](Result<void>) {
      if (!alive.expired()) add(row, head, done);
    });
  }
  row.cursor = head;
  Changes turn;
  turn.add(storage::PutWebhook{row});
  store_.commit(std::move(turn),
                [this, alive = std::weak_ptr(alive_), row, key, done = std::move(done)](Result<void> committed) {
                  const bool here = !alive.expired();
                  if (here) adding_.erase(key);
                  if (here && committed) added_(adopt(row));
                  if (!committed) return done(committed.error());
                  done(row);
                });
}

void WebhookRegistry::update(const std::string& id, const std::function<void(storage::WebhookRow&)>& change,
                             Registered done) {
  WebhookHook* hook = find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  if (hook->changing) {
    // Built on the row that the change before it leaves, whether or not that one fails.
    return store_.commit(Changes(),
                         [this, alive = std::weak_ptr(alive_), id, change, done = std::move(done)](Result<void>) {
                           if (!alive.expired()) update(id, change, done);
                         });
  }
  storage::WebhookRow row = hook->row;
  change(row);
  const WebhookHook* other = with_url(scope_of(row), row.url);
  if (other && other != hook) return done(Error(Errc::conflict, "the URL is registered already as " + other->row.id));
  hook->wanted = row;
  hook->changing = true;
  Changes changes;
  changes.add(storage::PutWebhook{row});
  store_.commit(std::move(changes),
                [this, alive = std::weak_ptr(alive_), row, done = std::move(done)](Result<void> committed) {
                  WebhookHook* changed = alive.expired() ? nullptr : find(row.id);
                  if (changed) changed->changing = false;
                  if (!committed) {
                    if (changed) changed->wanted = changed->row;
                    return done(committed.error());
                  }
                  if (changed) {
                    changed->row = row;
                    changed->names = EventNames(row.events);
                  }
                  done(row);
                });
}

void WebhookRegistry::remove(const std::string& id, std::function<void(Result<void>)> done) {
  WebhookHook* hook = find(id);
  if (!hook) return done(Error(Errc::not_found, "no such webhook"));
  if (hook->changing) {
    return store_.commit(Changes(), [this, alive = std::weak_ptr(alive_), id, done = std::move(done)](Result<void>) {
      if (!alive.expired()) remove(id, done);
    });
  }
  hook->changing = true;  // a change behind it would store the row anew
  Changes changes;
  changes.add(storage::RemoveWebhook{id});
  store_.commit(std::move(changes),
                [this, alive = std::weak_ptr(alive_), id, done = std::move(done)](Result<void> committed) {
                  WebhookHook* there = alive.expired() ? nullptr : find(id);
                  if (there) there->changing = false;
                  if (there && committed) forget(id);
                  done(std::move(committed));
                });
}

void WebhookRegistry::session_removed(storage::SessionId session) {
  const std::vector<WebhookHook*> list = of(session);
  for (const WebhookHook* hook : list) {
    const std::string id = hook->row.id;
    forget(id);
  }
  by_scope_.erase(session);
}

void WebhookRegistry::forget(const std::string& id) {
  const auto found = hooks_.find(id);
  if (found == hooks_.end()) return;
  WebhookHook* hook = found->second.get();
  going_(*hook);
  std::erase(by_scope_[scope_of(hook->row)], hook);
  hooks_.erase(found);
}

}  // namespace wharf::api
