#pragma once
// What handlers work with: the ports of the server and the parts of api/ that live as long as it.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "api/event_hub.h"
#include "api/event_texts.h"
#include "api/media_preparation.h"
#include "api/qr_image.h"
#include "api/request_turns.h"
#include "api/router.h"
#include "api/server.h"
#include "api/webhook_dispatcher.h"
#include "net/outgoing_http.h"

namespace wharf::api {

/// Reading connections for jobs on the worker pool: each job borrows one. Any thread.
class Readers {
 public:
  explicit Readers(const storage::Store& store) : store_(store) {}
  /// Runs `work` with a connection. Errors: storage, which the log has with `request_id`.
  protocol::Result<void> with(std::string_view request_id, const std::function<void(storage::Database&)>& work);

 private:
  const storage::Store& store_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<storage::Database>> idle_;
};

struct Services {
  Services(const ApiServer::Ports& ports, ApiSettings s);

  ApiServer::Ports ports;
  ApiSettings settings;
  net::SteadyTime started;
  QrImages qr_images;
  EventTexts texts;
  EventHub hub;
  WebhookDispatcher webhooks;
  Readers readers;
  /// Files that are being fetched for requests, and for which; at most max_fetches.
  static constexpr std::size_t max_fetches = 16;
  std::map<CallPtr, net::OutgoingHandle> fetches;
  bool draining = false;  // nothing more is fetched
  /// The same of previews, which take no longer than a drain does.
  static constexpr std::size_t max_previews = 32;
  std::map<CallPtr, net::OutgoingHandle> previews;
  unsigned pictures = 0;  // being prepared (picture_preparation.h)
  RequestTurns turns;
  std::optional<MediaPreparations> preparations;        // nullopt: this process keeps no files
  std::map<storage::OrgId, std::string> organisations;  // their names; this build makes no new ones

  /// What `org` shows of a session or webhook.
  const std::string& name_of(storage::OrgId org) const;
};

/// The session of the path parameter sessionId; answers 404 and returns nullopt when there is none.
std::optional<sessions::SessionView> session_of(const ServicesPtr& services, const CallPtr& call);
/// The same, when it is linked to an account; answers and returns nullopt when it is not.
std::optional<sessions::SessionView> linked_session_of(const ServicesPtr& services, const CallPtr& call);
Failure session_not_found(std::string_view name);
Failure chat_not_found(std::string_view chat);
/// Why the session of this request's path did not do what it was asked.
Failure failure_of(const CallPtr& call, const sessions::Refusal& refusal);
/// Asks it of the session of the path parameter sessionId, for this request.
template <class Operation>
void ask(const ServicesPtr& services, const CallPtr& call, Operation operation,
         sessions::Reply<typename Operation::Answer> reply) {
  services->ports.supervisor.tell(call->param("sessionId"), std::move(operation), std::move(reply), call->request_id);
}

/// The same; answers what it refuses. `done` runs with what it says, with nothing of a void answer.
template <class Operation, class Done>
void ask_session(const ServicesPtr& services, const CallPtr& call, Operation operation, Done done) {
  using Answer = typename Operation::Answer;
  ask(services, call, std::move(operation),
      [call, done = std::move(done)](const sessions::Outcome<Answer>& answer) mutable {
        if (!answer) return call->failure(failure_of(call, answer.error()));
        if constexpr (std::is_void_v<Answer>) done();
        else done(*answer);
      });
}

/// Reads and renders away from the loop, then calls `done` on it with the text. A full pool answers 503 and a broken
/// database 503 through `call`; then `done` does not run.
void read_on_worker(const ServicesPtr& services, const CallPtr& call,
                    std::function<net::HttpResponse(storage::Database&)> work);

/// Both identities of a user as a worker finds them.
sessions::PersonIds person_ids(storage::Database& db, storage::SessionId session, const protocol::Jid& user);

}  // namespace wharf::api
