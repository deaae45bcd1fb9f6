// wharfd: one binary with subcommands. `serve` is the default.

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <exception>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <string>

#include "daemon/configuration.h"
#include "daemon/logging.h"
#include "daemon/serve.h"
#include "daemon/version.h"
#include "sessions/log_value.h"
#include "storage/backup.h"
#include "storage/database.h"

namespace {

using namespace wharf;

/// Flags of `serve` that carry a configuration key; what was given on the command line wins over file and environment.
struct ServeFlags {
  std::string config_file;
  std::map<std::string, std::string> values;  // key -> text
  bool sandbox = false;
};

void add_serve_flags(CLI::App& app, ServeFlags& flags) {
  const auto value = [&](const char* flag, const char* key, const char* description) {
    app.add_option_function<std::string>(
        flag, [&flags, key](const std::string& text) { flags.values[key] = text; }, description);
  };
  app.add_option("--config", flags.config_file, "TOML file; `wharfd check` lists every key");
  value("--listen", "listen", "address of the API, HOST:PORT (default 127.0.0.1:8080)");
  value("--data", "data", "directory of the database (default ./data)");
  value("--network", "network", "whatsapp (default), or the ws:// or wss:// URL of another network");
  value("--network-root", "network_root", "Noise root key of another network, 64 hex digits");
  value("--network-ca", "network_ca", "PEM file with extra trust for another network");
  app.add_flag("--sandbox", flags.sandbox, "run the simulated network inside and point the sessions at it");
  value("--sandbox-listen", "sandbox.listen", "chat endpoint of the simulated network, HOST:PORT (port 0 picks one)");
  value("--log-level", "log.level", "trace, debug, info (default), warn, error");
  value("--log-format", "log.format", "text (default) or json");
  app.add_option_function<std::vector<std::string>>(
      "--set",
      [&flags](const std::vector<std::string>& settings) {
        for (const auto& setting : settings) {
          const auto equals = setting.find('=');
          if (equals == std::string::npos) throw CLI::ValidationError("--set", "KEY=VALUE is wanted: " + setting);
          flags.values[setting.substr(0, equals)] = setting.substr(equals + 1);
        }
      },
      "any other configuration key, KEY=VALUE");
}

protocol::Result<daemon::Configuration> load(const ServeFlags& flags) {
  daemon::Configuration configuration;
  if (!flags.config_file.empty()) {
    if (auto applied = daemon::apply_file(configuration, flags.config_file); !applied) return applied.error();
  }
  if (auto applied = daemon::apply_environment(configuration, [](const char* name) { return std::getenv(name); });
      !applied) {
    return applied.error();
  }
  if (flags.sandbox) configuration.sandbox = true;
  for (const auto& [key, text] : flags.values) {
    if (auto applied = daemon::apply_value(configuration, key, text, "command line"); !applied) return applied.error();
  }
  if (auto valid = daemon::validate(configuration); !valid) return valid.error();
  return configuration;
}

int fail(const protocol::Error& error) {
  fmt::print(stderr, "wharfd: {}\n", error.detail);
  return 2;
}

int run_serve(const ServeFlags& flags) {
  const auto configuration = load(flags);
  if (!configuration) return fail(configuration.error());
  daemon::start_logging(configuration->log_level, configuration->log_format);
  return daemon::serve(*configuration);
}

int run_check(const ServeFlags& flags) {
  const auto configuration = load(flags);
  if (!configuration) return fail(configuration.error());
  for (const auto& key : daemon::configuration_keys()) {
    fmt::print("{} = {}    # {} ({})\n", key.name, key.show(*configuration), key.description,
               daemon::environment_name(key.name));
  }
  return 0;
}

int run_backup(const ServeFlags& flags, const std::string& target) {
  const auto configuration = load(flags);
  if (!configuration) return fail(configuration.error());
  const auto source = storage::Database::open(configuration->data + "/wharf.sqlite", storage::Database::Mode::read_only,
                                              storage::Synchronous::full);
  if (!source) return fail(source.error());
  const auto copied = storage::copy_database(**source, target);
  if (!copied) return fail(copied.error());
  fmt::print("{}\n", target);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Wharf: a WhatsApp gateway daemon"};
  app.set_version_flag("--version", std::string("wharfd ") + daemon::version());
  app.require_subcommand(0, 1);
  ServeFlags flags;
  add_serve_flags(app, flags);

  CLI::App* serve = app.add_subcommand("serve", "run the gateway (default)");
  add_serve_flags(*serve, flags);

  daemon::SandboxOptions sandbox_options;
  std::string sandbox_log_level = "info";
  CLI::App* sandbox =
      app.add_subcommand("sandbox", "run the simulated WhatsApp network alone, for other clients and benches");
  sandbox->add_option("--listen", sandbox_options.listen, "chat endpoint (ws), HOST:PORT (default 127.0.0.1:0)");
  sandbox->add_option("--secure-listen", sandbox_options.secure_listen, "chat endpoint (wss), HOST:PORT");
  sandbox->add_option("--control", sandbox_options.control, "control API, HOST:PORT");
  sandbox->add_option("--seed", sandbox_options.seed,
                      "seed of its keys: the same seed gives the same Noise root (0: random)");
  sandbox->add_option("--state", sandbox_options.state_file, "file that keeps its state over restarts");
  sandbox->add_flag("--auto-create-phones", sandbox_options.auto_create_phones,
                    "unknown numbers become phones when messaged");
  sandbox->add_option("--ready-file", sandbox_options.ready_file, "write the addresses as JSON here once it listens");
  sandbox->add_option("--log-level", sandbox_log_level, "trace, debug, info, warn, error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));

  CLI::App* check = app.add_subcommand("check", "read the configuration and print every key with its value");
  add_serve_flags(*check, flags);
  std::string target;
  CLI::App* backup = app.add_subcommand("backup", "make a consistent copy of the database while the daemon runs");
  add_serve_flags(*backup, flags);
  backup->add_option("target", target, "file to write")->required();
  CLI::App* version = app.add_subcommand("version", "print the version");

  CLI11_PARSE(app, argc, argv);
  if (*version) {
    fmt::print("wharfd {}\n", daemon::version());
    return 0;
  }
  if (*sandbox) {
    daemon::start_logging(sandbox_log_level, "text");
    return daemon::run_sandbox(sandbox_options);
  }
  if (*check) return run_check(flags);
  if (*backup) return run_backup(flags, target);
  try {
    return run_serve(flags);
  } catch (const std::exception&
               broken) {  // before the loop runs, whose entries are guarded: a database that cannot be read
    spdlog::critical("start_failed detail={}", sessions::log_value(broken.what()));
    return 1;
  }
}
