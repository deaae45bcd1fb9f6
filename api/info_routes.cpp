// Handlers about the server itself.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "api/handlers.h"
#include "api/iso_time.h"

namespace wharf::api {
namespace {

struct MemoryUse {
  std::uint64_t used_bytes = 0, total_bytes = 0, available_bytes = 0;
};

MemoryUse memory_use() {
  MemoryUse use;
  std::uint64_t pages = 0, resident = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages >> resident)
    use.used_bytes = resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  std::ifstream meminfo("/proc/meminfo");
  std::string name, unit;
  for (std::uint64_t kib = 0; meminfo >> name >> kib >> unit;) {
    if (name == "MemTotal:") use.total_bytes = kib * 1024;
    if (name == "MemAvailable:") use.available_bytes = kib * 1024;
    if (use.total_bytes != 0 && use.available_bytes != 0) break;
  }
  return use;
}

std::string shown_bytes(std::uint64_t bytes) {
  constexpr std::uint64_t mib = 1u << 20, gib = 1u << 30;
  return bytes >= gib && bytes % gib == 0 ? fmt::format("{}GB", bytes / gib)
         : bytes >= 10 * gib              ? fmt::format("{}GB", bytes / gib)
                                          : fmt::format("{}MB", bytes / mib);
}

}  // namespace

void get_info(const ServicesPtr& services, const CallPtr& call) {
  const MemoryUse memory = memory_use();
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(services->ports.scheduler.steady() - services->started);
  JsonWriter out;
  out.begin_object().text("version", services->settings.version);
  out.number("maxSessions", static_cast<std::int64_t>(services->settings.max_sessions));
  out.number("activeSessions", static_cast<std::int64_t>(services->ports.supervisor.count()));
  out.number("readySessions", static_cast<std::int64_t>(services->ports.supervisor.count_ready()))
      .number("uptime", uptime.count());
  out.key("memory")
      .begin_object()
      .text("used", shown_bytes(memory.used_bytes))
      .text("total", shown_bytes(memory.total_bytes))
      .end_object();
  out.text("network", services->settings.network_name);
  out.text("dialect", services->settings.dialect == Dialect::gateway ? "gateway" : "openwa").end_object();
  call->success(out.view());
}

// 503 means that this server cannot do its work: the database does not take rows, or memory is about to run out. A
// single number that is not ready is its own status, not the server's.
void get_health(const ServicesPtr& services, const CallPtr& call) {
  services->ports.store.ping([services, call](bool database_ok) {
    const MemoryUse memory = memory_use();
    const bool memory_ok = memory.available_bytes == 0 || memory.available_bytes > memory.total_bytes / 50;
    const bool healthy = database_ok && memory_ok;
    const bool sessions_ok = services->ports.supervisor.count() <= services->settings.max_sessions;
    JsonWriter out;
    out.begin_object().text("status", healthy ? "healthy" : "unhealthy");
    out.text("timestamp", iso_seconds(services->ports.scheduler.unix_ms())).key("checks").begin_object();
    out.text("database", database_ok ? "ok" : "failing").text("sessions", sessions_ok ? "ok" : "degraded");
    out.text("memory", memory_ok ? "ok" : "low").end_object().end_object();
    if (healthy) return call->success(out.view());

    Failure failure(ErrorCode::unhealthy, "the server cannot do its work; see details");
    if (!database_ok) failure.details.emplace_back("database", services->ports.store.last_failure());
    if (!memory_ok) failure.details.emplace_back("memory", "less than 2 % of the memory is free");
    net::HttpResponse response = render_failure(failure, call->dialect);
    response.body.pop_back();  // the checks stand beside the error
    response.body.append(",\"data\":").append(out.view()).append("}");
    call->send(std::move(response));
  });
}

void get_openapi(const ServicesPtr& services, const CallPtr& call) {
  static const std::string document = openapi_document(routes(), services->settings.version);
  call->send(net::HttpResponse(200, "application/json", document));
}

void get_welcome_page(const ServicesPtr& services, const CallPtr& call) {
  const std::string_view host_header = call->request.header("host");
  std::string host;  // into HTML: only what a host name can be
  for (const char c : host_header)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == ':' || c == '-' || c == '[' || c == ']')
      host.push_back(c);
  const std::string base = "http://" + (host.empty() ? std::string("127.0.0.1:8080") : host);
  net::HttpResponse page(
      200, "text/html; charset=utf-8",
      fmt::format(R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Wharf</title>
<style>body{{font:16px/1.5 sans-serif;max-width:50em;margin:3em auto;padding:0 1em}}pre{{background:#eee;padding:1em;overflow:auto}}</style>
</head><body><h1>Wharf {0}</h1>
<p>A WhatsApp gateway: REST, WebSocket events and webhooks. Network: {1}. Sessions: {2}, ready: {3}.</p>
<p>The API: <a href="/api/v1/openapi.json">openapi.json</a>, <a href="/api/v1/info">info</a>,
<a href="/api/v1/health">health</a>, <a href="/api/v1/sessions">sessions</a>.</p>
<h2>First steps</h2>
<pre>curl -X POST {4}/api/v1/sessions -H 'Content-Type: application/json' \
  -d '{{"sessionId":"my-bot","waitForQR":true}}'

curl {4}/api/v1/sessions/my-bot/qr/image -o qr.png   # scan it with the phone

curl -X POST {4}/api/v1/sessions/my-bot/send-text -H 'Content-Type: application/json' \
  -d '{{"chatId":"1234567890@c.us","content":"Hello!"}}'

curl '{4}/api/v1/events?session=my-bot&amp;wait=30000'   # or a WebSocket on /ws/my-bot</pre>
</body></html>
)",
                  services->settings.version, services->settings.network_name, services->ports.supervisor.count(),
                  services->ports.supervisor.count_ready(), base));
  page.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  call->send(std::move(page));
}

}  // namespace wharf::api
