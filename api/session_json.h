#pragma once
// Sessions as JSON: the views out, the configuration in.

#include <boost/json/object.hpp>
#include <string>

#include "api/dialect_choice.h"
#include "api/json_writer.h"
#include "sessions/session_view.h"

namespace wharf::api {

/// The whole resource. `org` is the name of its organisation, `qr_code` is the data URL of the QR being shown, "" to
/// leave it out.
void write_session(JsonWriter& out, const sessions::SessionView& view, std::string_view org, Dialect dialect,
                   const std::string& qr_code);
void write_session_status(JsonWriter& out, const sessions::SessionView& view);
/// The linked account, or null.
void write_me(JsonWriter& out, const sessions::SessionView& view, Dialect dialect);

/// `config` of a create or update request, validated before; only the proxy address can still be wrong.
struct ParsedConfig {
  sessions::SessionConfig config;
  std::string json;             // the known fields as given, for the echo
  std::string address_problem;  // "" when good
};
ParsedConfig session_config_from_json(const boost::json::object& config);

}  // namespace wharf::api
