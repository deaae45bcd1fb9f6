// Handlers of /sessions: create, inspect, link, start and stop.
#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/chat_id.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/next_step.h"
#include "api/qr_image.h"
#include "api/schemas.h"
#include "api/session_json.h"

namespace wharf::api {
namespace {

using protocol::Result;
using sessions::Outcome;
using sessions::SessionView;
namespace json = boost::json;

constexpr std::chrono::milliseconds default_qr_wait{30'000};

// The image is made on a worker; a full pool only costs the loop a millisecond.
void with_qr_code(const ServicesPtr& services, const std::optional<sessions::QrCode>& qr,
                  std::function<void(const std::string&)> done) {
  if (!qr) return done({});
  const auto url = std::make_shared<std::string>();  // written by the worker, read on the loop afterwards
  const bool taken = services->ports.workers.run(
      [services, url, text = qr->text] { *url = services->qr_images.data_url(text); }, [url, done] { done(*url); });
  if (!taken) done(services->qr_images.data_url(qr->text));
}

void answer_session(const ServicesPtr& services, const CallPtr& call, const SessionView& view, const Beside& beside) {
  with_qr_code(services, view.qr, [services, call, view, beside](const std::string& qr_code) {
    JsonWriter out(768 + qr_code.size());
    write_session(out, view, services->name_of(view.org), call->dialect, qr_code);
    call->success(out.view(), beside);
  });
}

/// The usual end of a command on a session.
sessions::Reply<SessionView> answer_with(const ServicesPtr& services, const CallPtr& call, std::string message) {
  return [services, call, message = std::move(message)](const Outcome<SessionView>& view) {
    if (!view) return call->failure(failure_of(call, view.error()));
    answer_session(services, call, *view, Beside{200, message, {}});
  };
}

bool proxy_is_good(const CallPtr& call, const ParsedConfig& config) {
  if (config.address_problem.empty()) return true;
  call->failure(failure_of({FieldProblem{"config.proxyServerCredentials.address", config.address_problem}}));
  return false;
}

const json::object* object_of(const json::object& body, std::string_view name) {
  const json::value* value = body.if_contains(name);
  return value && value->is_object() ? &value->get_object() : nullptr;
}

}  // namespace

void create_session(const ServicesPtr& services, const CallPtr& call) {
  static const json::object no_config;
  const json::object* given = object_of(call->body, "config");
  ParsedConfig config = session_config_from_json(given ? *given : no_config);
  if (!proxy_is_good(call, config)) return;

  sessions::Supervisor::NewSession session;
  session.name = text_of(call->body, "sessionId");
  session.request_id = call->request_id;
  session.config = config.config;
  session.config_json = std::move(config.json);
  if (const json::object* metadata = object_of(call->body, "metadata"); metadata && !metadata->empty())
    session.metadata_json = json::serialize(*metadata);
  const bool wait = boolean_of(call->body, "waitForQR", false);
  const auto qr_wait =
      given && integer_of(*given, "qrTimeout") ? std::chrono::milliseconds(config.config.qr_timeout) : default_qr_wait;

  const std::string name = session.name;
  services->ports.supervisor.create(
      std::move(session), [services, call, name, wait, qr_wait](const Outcome<SessionView>& created) {
        if (!created) {
          Failure failure = failure_of(created.error());
          if (failure.code == ErrorCode::session_exists)
            failure.message = fmt::format("Session with ID '{}' already exists", name);
          if (failure.code == ErrorCode::max_sessions)
            failure.message = "the maximum number of sessions is reached; remove one first";
          return call->failure(failure);
        }
        const Beside beside{201, "Session created successfully", {}};
        if (!wait) return answer_session(services, call, *created, beside);
        services->ports.waits.await_qr(name, qr_wait,
                                       [services, call, beside, created = *created](const Outcome<SessionView>& view) {
                                         answer_session(services, call, view ? *view : created, beside);
                                       });
      });
}

namespace {

// Without pages, as the first API generation has it: thousands of sessions are told a slice at a time while the answer
// is sent, each as it stands then, so that nobody else waits for the list.
class SessionList {
 public:
  SessionList(ServicesPtr services, Dialect dialect) : services_(std::move(services)), dialect_(dialect) {}

  bool over() const { return over_; }
  std::string slice() {
    constexpr std::size_t sessions_in_slice = 100;
    const auto views = services_->ports.supervisor.list(told_, sessions_in_slice);
    over_ = views.size() < sessions_in_slice;
    std::string out;
    for (const SessionView& view : views) {
      if (told_ != storage::SessionId()) out.push_back(',');
      told_ = view.id;
      JsonWriter one(400);
      // Without images: a list of many unlinked sessions would cost a millisecond each.
      write_session(one, view, services_->name_of(view.org), dialect_, {});
      out += one.view();
    }
    return out;
  }

 private:
  ServicesPtr services_;
  Dialect dialect_;
  storage::SessionId told_;  // up to this one
  bool over_ = false;
};

constexpr const char* list_begin = R"({"success":true,"data":[)";
constexpr const char* list_end = "]}";

}  // namespace

void list_sessions(const ServicesPtr& services, const CallPtr& call) {
  const auto list = std::make_shared<SessionList>(services, call->dialect);
  net::HttpResponse response(200, "application/json", list_begin + list->slice());
  if (list->over()) {
    response.body += list_end;
  } else {
    response.more = [services, list](std::function<void(net::BodyPiece)> done) {
      services->ports.scheduler.post([list, done = std::move(done)] {
        net::BodyPiece piece{list->slice(), net::BodyPiece::End::more};
        if (list->over()) {
          piece.bytes += list_end;
          piece.end = net::BodyPiece::End::last;
        }
        done(std::move(piece));
      });
    };
  }
  call->send(std::move(response));
}

void get_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (view) answer_session(services, call, *view, Beside());
}

void update_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  sessions::UpdateSession update;
  if (const json::value* changed = call->body.if_contains("config")) {
    json::object merged;  // a null in it is a default, and so is all of it for null
    if (const json::object* fields = changed->if_object()) {
      boost::system::error_code failed;
      json::value stored = json::parse(view->config_json, failed);
      if (!failed && stored.is_object()) merged = std::move(stored.get_object());
      for (const auto& member : *fields) merged[member.key()] = member.value();
    }
    ParsedConfig parsed = session_config_from_json(merged);
    if (!proxy_is_good(call, parsed)) return;
    update.config_json = std::move(parsed.json);
    update.config = parsed.config;
  }
  if (const json::value* metadata = call->body.if_contains("metadata"))
    update.metadata_json =
        metadata->is_object() && !metadata->get_object().empty() ? json::serialize(*metadata) : std::string();
  ask(services, call, std::move(update), answer_with(services, call, "Session updated successfully"));
}

void remove_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto answer = [services, call, id = view->id](const Outcome<>& removed) {
    if (!removed) return call->failure(failure_of(call, removed.error()));
    services->hub.session_removed(id);
    services->webhooks.session_removed(id);
    call->success({}, Beside{200, "Session removed successfully", {}});
  };
  ask(services, call, sessions::RemoveSession(), answer);
}

void get_session_status(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  JsonWriter out;
  out.begin_object();
  write_session_status(out, *view);
  out.text("lastActivity", iso_seconds(view->last_activity))
      .number("queued", static_cast<std::int64_t>(view->queued))
      .end_object();
  call->success(out.view());
}

namespace {

void tell_reason(Failure& failure, const SessionView& view) {
  if (!view.reason) return;
  failure.details.emplace_back("reason", view.reason->code);
  failure.details.emplace_back("message", view.reason->message);
  failure.details.emplace_back("nextStep", next_step_text(view.reason->next_step, view.name));
}

// The view of a session that shows a QR; answers otherwise.
std::optional<SessionView> session_with_qr(const ServicesPtr& services, const CallPtr& call) {
  auto view = session_of(services, call);
  if (!view || view->qr) return view;
  const char* why = view->jid.empty() ? "no QR code is shown right now" : "the session is linked already";
  Failure failure(ErrorCode::qr_not_available, fmt::format("{} (status {})", why, name(view->status)));
  tell_reason(failure, *view);
  call->failure(failure);
  return std::nullopt;
}

}  // namespace

void get_qr(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_with_qr(services, call);
  if (!view) return;
  with_qr_code(services, view->qr, [call, qr = *view->qr](const std::string& qr_code) {
    JsonWriter out(512 + qr_code.size());
    out.begin_object()
        .text("qrCode", qr_code)
        .text("qr", qr.text)
        .text("expiresAt", iso_seconds(qr.expires_at))
        .end_object();
    call->success(out.view());
  });
}

void get_qr_image(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_with_qr(services, call);
  if (!view) return;
  const auto pixels = static_cast<unsigned>(call->query.integer("size", qr_default_pixels));
  const auto image =
      std::make_shared<Result<protocol::Bytes>>(protocol::Error(protocol::Errc::internal, "not rendered"));
  const bool taken = services->ports.workers.run(
      [image, text = view->qr->text, pixels] { *image = qr_png(text, pixels); },
      [call, image] {
        if (!*image) return call->failure(failure_of(image->error()));
        net::HttpResponse response(200, "image/png", std::string(protocol::as_text(**image)));
        response.headers.emplace_back("Cache-Control", "no-store");
        call->send(std::move(response));
      });
  if (!taken) call->failure(Failure(ErrorCode::unavailable, "too many images are waiting; try again"));
}

void request_pairing_code(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto phone = parse_chat_id(text_of(call->body, "phone"));
  if (!phone || !phone->is_phone_number())
    return call->failure(failure_of({FieldProblem{"phone", "must be a phone number with country code"}}));
  const auto answer = [call, seen = *view](const Outcome<sessions::PairingCode>& code) {
    if (!code) {
      Failure failure = failure_of(call, code.error());
      // A phone that answers a code, and WhatsApp's own limit, take about that long.
      constexpr std::int64_t live_code_s = 60;
      failure.retry_after_s = live_code_s;
      if (code.error().subject == sessions::Subject::phone) failure.details.emplace_back("phone", failure.message);
      if (code.error().subject == sessions::Subject::ended)
        failure.message += fmt::format("; POST /api/v1/sessions/{}/start first", call->param("sessionId"));
      tell_reason(failure, seen);
      return call->failure(failure);
    }
    JsonWriter out;
    out.begin_object().text("code", code->code);
    out.text("display", code->code.size() == 8 ? code->code.substr(0, 4) + "-" + code->code.substr(4) : code->code);
    out.text("expiresAt", iso_seconds(code->expires_at)).end_object();
    call->success(out.view());
  };
  ask(services, call, sessions::RequestPairingCode{phone->user}, answer);
}

void start_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (view) ask(services, call, sessions::StartSession(), answer_with(services, call, "Session started successfully"));
}

void stop_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (view) ask(services, call, sessions::StopSession(), answer_with(services, call, "Session stopped successfully"));
}

void restart_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (view)
    ask(services, call, sessions::RestartSession(), answer_with(services, call, "Session restarted successfully"));
}

void logout_session(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (view) ask(services, call, sessions::Logout(), answer_with(services, call, "Session logged out successfully"));
}

void get_me(const ServicesPtr& services, const CallPtr& call) {
  const auto view = linked_session_of(services, call);
  if (!view) return;
  JsonWriter out;
  write_me(out, *view, call->dialect);
  call->success(out.view());
}

}  // namespace wharf::api
