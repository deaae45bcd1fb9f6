// Control API: the files of the media host, and what goes wrong there.

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <utility>

#include "sandbox/control_call.h"
#include "sandbox/control_schemas.h"
#include "web/envelope.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::int64_t default_page = 100;

struct Named {
  std::string_view name;
  MediaFault::What what;
};
constexpr Named whats[] = {
    {"status", MediaFault::What::status},     {"dead", MediaFault::What::dead}, {"cut", MediaFault::What::cut},
    {"truncate", MediaFault::What::truncate}, {"flip", MediaFault::What::flip}, {"slow", MediaFault::What::slow},
};

struct NamedDoor {
  std::string_view name;
  MediaDoor door;
};
constexpr NamedDoor doors[] = {
    {"primary", MediaDoor::primary}, {"fallback", MediaDoor::fallback}, {"phones", MediaDoor::phones}};

json::object to_json(const MediaFile& file) {
  return {{"id", file.id},
          {"kind", file.kind},
          {"directPath", file.direct_path()},
          {"bytes", file.bytes},
          {"encSha256", protocol::to_base64(file.hash)},
          {"createdMs", file.created_ms},
          {"expiresMs", file.expires_ms},
          {"expired", file.gone}};
}

json::object to_json(const MediaFault& fault) {
  const auto* named =
      std::find_if(std::begin(whats), std::end(whats), [&](const Named& n) { return n.what == fault.what; });
  json::object out{{"what", named->name}, {"count", fault.count}};
  if (fault.on) out["on"] = *fault.on == MediaWay::upload ? "upload" : "download";
  for (const auto& [name, door] : doors) {
    if (fault.host == door) out["host"] = name;
  }
  if (!fault.kind.empty()) out["kind"] = fault.kind;
  if (!fault.path.empty()) out["path"] = fault.path;
  switch (fault.what) {
    case MediaFault::What::status:
      out["status"] = fault.status;
      if (fault.retry_after_seconds > 0) out["retryAfter"] = fault.retry_after_seconds;
      break;
    case MediaFault::What::slow: out["bytesPerSecond"] = fault.bytes_per_second; break;
    case MediaFault::What::dead: break;
    default: out["bytes"] = fault.bytes;
  }
  return out;
}

/// Of a validated item.
MediaFault from_json(const json::object& item) {
  const auto number = [&](std::string_view name, std::int64_t fallback) {
    return web::integer_of(item, name).value_or(fallback);
  };
  const auto what = web::text_of(item, "what"), on = web::text_of(item, "on"), host = web::text_of(item, "host");
  MediaFault fault;
  for (const Named& named : whats) {
    if (named.name == what) fault.what = named.what;
  }
  if (!on.empty()) fault.on = on == "upload" ? MediaWay::upload : MediaWay::download;
  for (const auto& [name, door] : doors) {
    if (host == name) fault.host = door;
  }
  fault.kind = std::string(web::text_of(item, "kind"));
  fault.path = std::string(web::text_of(item, "path"));
  fault.path.resize(std::min(fault.path.find('?'), fault.path.size()));
  fault.count = static_cast<unsigned>(number("count", fault.count));
  fault.status = static_cast<unsigned>(number("status", fault.status));
  fault.retry_after_seconds = static_cast<unsigned>(number("retryAfter", 0));
  fault.bytes = static_cast<std::uint64_t>(number("bytes", 0));
  fault.bytes_per_second = static_cast<std::uint64_t>(number("bytesPerSecond", 1'000));
  return fault;
}

std::vector<MediaFault> read_rules(const json::value& value, std::vector<web::FieldProblem>& problems) {
  std::vector<MediaFault> rules;
  const auto* items = value.if_array();
  if (!items || items->size() > MediaFaults::max_rules) {
    problems.push_back({"media", "must be an array of at most " + std::to_string(MediaFaults::max_rules) + " faults"});
    return rules;
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    const std::string place = "media[" + std::to_string(i) + "]";
    const auto* item = (*items)[i].if_object();
    if (!item) {
      problems.push_back({place, "must be an object"});
      continue;
    }
    std::vector<web::FieldProblem> own;
    web::validate(*item, schemas::media_fault, web::Unknown::refused, own);
    for (auto& problem : own) {
      problem.field = place + "." + problem.field;
      problems.push_back(std::move(problem));
    }
    if (own.empty()) rules.push_back(from_json(*item));
  }
  return rules;
}

/// The file that is named by its id or its direct path.
const MediaFile* named_file(MediaHost& media, std::string_view name) {
  const auto* file = media.store().find(name);
  return file ? file : media.store().find_id(name);
}

/// False: answered.
bool has_media(ControlCall& call) {
  if (call.media) return true;
  call.fail(503, "UNAVAILABLE", "this network has no media host");
  return false;
}

void not_there(ControlCall& call, std::string_view name) {
  call.fail(404, "NOT_FOUND", "there is no file \"" + web::echo(name) + "\" on the media host");
}

}  // namespace

void list_media(ControlCall& call) {
  if (!has_media(call)) return;
  const auto after = static_cast<std::uint64_t>(call.query.integer("cursor", 0));
  const auto limit = static_cast<std::size_t>(call.query.integer("limit", default_page));
  auto files = call.media->store().list(after, limit + 1);
  web::Beside beside;
  beside.next_cursor = "null";
  if (files.size() > limit) {
    files.pop_back();
    beside.next_cursor = "\"" + std::to_string(files.back().number) + "\"";
  }
  json::array page;
  for (const auto& file : files) page.push_back(to_json(file));
  call.answer(web::render_success(json::serialize(page), beside));
}

void forget_media(ControlCall& call) {
  if (!has_media(call)) return;
  const auto* file = call.media->store().find_id(call.param("id"));
  if (!file) return not_there(call, call.param("id"));
  const auto forgotten = to_json(*file);
  (void)call.media->store().forget(call.param("id"));
  call.succeed(forgotten);
}

// --- faults

std::string_view media_fault_names() { return "media, forget_media, expire_media, expire_media_auth"; }

bool is_media_fault(std::string_view member) { return schemas::media_faults.find(member) != nullptr; }

MediaFaultChange read_media_faults(const json::object& body, std::vector<web::FieldProblem>& problems) {
  MediaFaultChange change;
  web::validate(body, schemas::media_faults, web::Unknown::ignored, problems);
  if (!problems.empty()) return change;
  if (const auto* rules = body.if_contains("media")) change.rules = read_rules(*rules, problems);
  change.forget = std::string(web::text_of(body, "forget_media"));
  change.expire = std::string(web::text_of(body, "expire_media"));
  change.expire_auth = web::boolean_of(body, "expire_media_auth", false);
  return change;
}

bool apply_media_faults(ControlCall& call, const MediaFaultChange& change) {
  const bool nothing = !change.rules && change.forget.empty() && change.expire.empty();
  if (!nothing && !has_media(call)) return false;
  for (const std::string& name : {change.forget, change.expire}) {
    if (name.empty() || named_file(*call.media, name)) continue;
    not_there(call, name);
    return false;
  }
  if (change.rules) call.media->faults().set(*change.rules);
  if (!change.expire.empty()) (void)call.media->store().expire(std::string(named_file(*call.media, change.expire)->id));
  if (!change.forget.empty()) (void)call.media->store().forget(std::string(named_file(*call.media, change.forget)->id));
  if (change.expire_auth) call.network.expire_media_auth();
  return true;
}

json::array media_faults_json(const ControlCall& call) {
  json::array out;
  if (!call.media) return out;
  for (const MediaFault& rule : call.media->faults().rules()) out.push_back(to_json(rule));
  return out;
}

}  // namespace wharf::sandbox
