#include "api/services.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "sessions/log_value.h"
#include "storage/organisations.h"
#include "storage/peers.h"

namespace wharf::api {
namespace {

WebhookSettings webhook_settings(const ApiSettings& settings) {
  WebhookSettings out;
  out.concurrency = settings.webhook_concurrency;
  out.timeout = settings.webhook_timeout;
  out.first_retry = settings.webhook_first_retry;
  out.allow_private = settings.webhooks_allow_private;
  out.user_agent = settings.version.empty() ? "Wharf" : "Wharf/" + settings.version;
  return out;
}

}  // namespace

protocol::Result<void> Readers::with(std::string_view request_id, const std::function<void(storage::Database&)>& work) {
  std::unique_ptr<storage::Database> database;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      database = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!database) {
    auto opened = store_.open_reader();
    if (!opened) return opened.error();
    database = std::move(*opened);
  }
  try {
    work(*database);
  } catch (const storage::ReadFailure& unreadable) {
    spdlog::error("read_failed request={} error={}", request_id, sessions::log_value(unreadable.error.detail));
    return unreadable.error;  // and this connection is not used again
  }
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(database));
  return {};
}

Services::Services(const ApiServer::Ports& p, ApiSettings s)
    : ports(p),
      settings(std::move(s)),
      started(p.scheduler.steady()),
      texts(qr_images),
      hub(p.scheduler, p.store, texts),
      webhooks({p.scheduler, p.random, p.store, p.http_client}, texts, settings.dialect, webhook_settings(settings)),
      readers(p.store) {
  if (p.vault && p.media_workers)
    preparations.emplace(*p.vault, *p.media_workers, p.scheduler, media::Converter::find(settings.media_ffmpeg));
  for (storage::OrganisationRow& row : storage::load_organisations(p.store.reader()))
    organisations.emplace(row.id, std::move(row.name));
}

const std::string& Services::name_of(storage::OrgId org) const { return organisations.at(org); }

Failure session_not_found(std::string_view name) {
  return Failure(ErrorCode::session_not_found, fmt::format("Session with ID '{}' not found", echo(name)));
}

Failure chat_not_found(std::string_view chat) {
  return Failure(ErrorCode::chat_not_found, fmt::format("no chat with ID '{}' is stored", echo(chat)));
}

Failure failure_of(const CallPtr& call, const sessions::Refusal& refusal) {
  Failure failure = failure_of(refusal);
  if (failure.code == ErrorCode::session_not_found) return session_not_found(call->param("sessionId"));
  if (refusal.code == protocol::Errc::not_ready && refusal.subject == sessions::Subject::connection)
    failure.details.emplace_back(
        "nextStep",
        fmt::format("GET /api/v1/sessions/{0}/status says why: one that connects or reconnects goes on by itself, "
                    "POST /api/v1/sessions/{0}/start connects one that was stopped",
                    call->param("sessionId")));
  if (failure.code == ErrorCode::chat_not_found) return chat_not_found(call->param("chatId"));
  if (failure.code == ErrorCode::group_not_found)
    failure.message += fmt::format(
        "; GET /api/v1/sessions/{0}/groups lists the groups of the account, GET /api/v1/sessions/{0}/groups/{{groupId}}"
        "?refresh=true asks WhatsApp for one",
        call->param("sessionId"));
  return failure;
}

std::optional<sessions::SessionView> session_of(const ServicesPtr& services, const CallPtr& call) {
  auto view = services->ports.supervisor.find(call->param("sessionId"));
  if (!view) call->failure(session_not_found(call->param("sessionId")));
  return view;
}

std::optional<sessions::SessionView> linked_session_of(const ServicesPtr& services, const CallPtr& call) {
  auto view = session_of(services, call);
  if (!view || !view->jid.empty()) return view;
  call->failure(
      Failure(ErrorCode::session_not_ready,
              fmt::format("Session '{}' is not linked to an account (status {})", view->name, name(view->status))));
  return std::nullopt;
}

void read_on_worker(const ServicesPtr& services, const CallPtr& call,
                    std::function<net::HttpResponse(storage::Database&)> work) {
  // Written by the worker, then read by the loop: the pool orders the two.
  const auto answer = std::make_shared<std::optional<net::HttpResponse>>();
  const bool taken = services->ports.workers.run(
      [services, work = std::move(work), answer, dialect = call->dialect, request_id = call->request_id] {
        const auto read = services->readers.with(request_id, [&](storage::Database& db) { *answer = work(db); });
        if (!read) *answer = render_failure(failure_of(read.error()), dialect);
      },
      [call, answer] {
        if (*answer) call->send(std::move(**answer));
        else call->failure(Failure(ErrorCode::internal, "reading failed"));
      });
  if (!taken) call->failure(Failure(ErrorCode::unavailable, "too many reads are waiting; try again"));
}

sessions::PersonIds person_ids(storage::Database& db, storage::SessionId session, const protocol::Jid& user) {
  sessions::PersonIds ids;
  if (user.is_phone_number()) {
    ids.pn = user;
    ids.lid = storage::find_lid(db, session, user);
  } else if (user.is_lid()) {
    ids.lid = user;
    ids.pn = storage::find_pn(db, session, user);
  }
  return ids;
}

}  // namespace wharf::api
