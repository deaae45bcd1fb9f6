#include "tests/simulation/world.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "protocol/noise/certificate.h"

namespace wharf::simulation {

namespace {

constexpr std::int64_t unix_ms_at_start = 1'767'225'600'000;

/// In every fifth world a burst fills the queue of a session, and who sends is told to come back later.
std::size_t max_queued_messages(std::uint64_t seed) { return seed % 5 == 0 ? 14 : 10'000; }

/// In every fifth world there is little room for files that wait, and who sends one is told to come back later.
std::uint64_t max_spool_bytes(std::uint64_t seed) { return seed % 5 == 1 ? 300'000 : 16ull << 30; }

/// What is scheduled and names no end of its own may be late by a day, in some worlds by less than the daemon is away
/// now and then, in some for ever.
std::chrono::seconds max_lateness(std::uint64_t seed) {
  constexpr std::chrono::hours day(24);
  switch (seed % 4) {
    case 1: return std::chrono::seconds(20);
    case 2: return std::chrono::seconds(0);
    default: return day;
  }
}

/// What is kept on the disk: as long as there is room, or a day from its last use; in two worlds of three in plain too.
FileTerms file_terms(std::uint64_t seed) {
  constexpr std::chrono::hours day(24);
  FileTerms terms;
  terms.has_folder = seed % 3 != 0;
  if (seed % 4 < 2) terms.vault_keep = day;
  if (seed % 5 < 3) terms.folder_keep = day;
  if (seed % 7 == 3) terms.folder_bytes = 400'000;
  return terms;
}

constexpr const char *primary_media_host = "media.simulated", *fallback_media_host = "fallback.media.simulated";

sandbox::MediaSettings media_settings(std::string directory) {
  sandbox::MediaSettings settings;
  settings.directory = std::move(directory);
  return settings;
}

sandbox::Network::Settings network_settings(Trace::Show show) {
  sandbox::Network::Settings settings;
  settings.settings_name = "simulated";
  settings.max_stanza_log = show == Trace::Show::everything ? 1 : 0;  // only for on_wire
  return settings;
}

}  // namespace

DatabaseFile::DatabaseFile(std::uint64_t seed) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path memory = "/dev/shm";
  const fs::path folder = fs::is_directory(memory, ignored) ? memory : fs::temp_directory_path();
  path_ = folder / ("wharf-simulation-" + std::to_string(::getpid()) + "-" + std::to_string(seed) + ".sqlite");
}

DatabaseFile::~DatabaseFile() {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix, ignored);
  for (const auto& directory : {vault(), folder(), media()}) std::filesystem::remove_all(directory, ignored);
}

World::World(std::uint64_t seed, Trace::Show show)
    : time(unix_ms_at_start),
      trace(time, show),
      driving(seed * 8 + 1),
      faulting(seed * 8 + 2),
      wires(seed * 8 + 3),
      daemon_keys(seed * 8 + 4),
      network_keys(seed * 8 + 5),
      clocks(seed * 8 + 6),
      devices(seed * 8 + 7),
      kinds(seed * 8),
      files(seed * 8 + 0x4D45'4449'4100),
      queueing(seed * 8 + 0x5155'4555'4500),
      tidying(seed * 8 + 0x5449'4459'0000),
      indexing(seed * 8 + 0x494E'4445'5800),
      fetching(seed * 8 + 0x4645'5443'4800),
      timing(seed * 8 + 0x5449'4D45'0000),
      planning(seed * 8 + 0x504C'414E'0000),
      grouping(seed * 8 + 0x4752'4F55'5000),
      group_faults(seed * 8 + 0x4752'4641'5500),
      surroundings(time),
      clock(surroundings),
      network(network_settings(show), clock, network_keys),
      phones(network),
      file_(seed),
      file_workers_(surroundings, files),
      media_store(media_settings(file_.media()), clock, files, file_workers_, network.changes()),
      media(std::make_shared<sandbox::MediaHost>(sandbox::MediaHost::Ports{
          media_store, clock, [this](std::string_view auth) { return network.check_media_auth(auth); },
          [this](std::string_view path) { return network.media(path); },
          [](const std::function<void()>& effect) { effect(); }})),
      noise_([this] {
        protocol::CertificateAuthority authority, foreign;
        authority.root = protocol::KeyPair::generate(network_keys);
        authority.intermediate = protocol::KeyPair::generate(network_keys);
        foreign.root = protocol::KeyPair::generate(network_keys);
        foreign.intermediate = protocol::KeyPair::generate(network_keys);
        // A clock that is wrong by more than two days takes the certificates for bad; no world lasts for so long.
        constexpr std::uint64_t start_s = unix_ms_at_start / 1000, two_days_s = 2 * 86'400;
        const protocol::CertificateWindow window{start_s - two_days_s, start_s + two_days_s};
        sandbox::NoiseIdentity identity;
        identity.server_static = protocol::KeyPair::generate(network_keys);
        identity.chain = protocol::issue_certificate_chain(authority, identity.server_static.pub, window, network_keys);
        identity.foreign_chain =
            protocol::issue_certificate_chain(foreign, identity.server_static.pub, window, network_keys);
        noise_root_ = authority.root.pub;
        return identity;
      }()),
      daemon({time, surroundings, wires, daemon_keys, trace, file_.path(), file_.vault(), file_.folder(), noise_root_,
              Latency(), [this](std::shared_ptr<net::WebSocket> socket) { accept(std::move(socket)); }, *media, files,
              max_spool_bytes(seed), max_queued_messages(seed), max_lateness(seed), file_terms(seed)}),
      file_times_([this] { return daemon.unix_ms(); },
                  [this](const std::string& path, std::int64_t used_ms) {
                    if (on_removed) on_removed(path, used_ms);
                  }) {
  file_record.configure(daemon.file_terms(), file_.vault(), file_.folder());
  media->set_hosts(primary_media_host, fallback_media_host);
  network.set_media_hosts(primary_media_host, fallback_media_host, media_store.settings().max_file_bytes);
  phones.set_media_host(media);
  network.on_wire = [this](const std::string& line) { trace.aside("wire", line); };
  time.on_run = [this](const VirtualTime::Entry& entry) {
    trace.count(static_cast<std::uint64_t>(entry.due.count()));
    trace.count(entry.number);
  };
}

World::~World() { end(); }

void World::end() {
  daemon.kill();
  for (const auto& [key, connection] : std::exchange(connections_, {})) connection->close();
  surroundings.kill();
}

void World::accept(std::shared_ptr<net::WebSocket> socket) {
  auto connection = std::make_shared<sandbox::Connection>(
      network, noise_, std::move(socket), surroundings, [](std::function<void()> effect) { effect(); },
      [this](sandbox::Connection& ended) { connections_.erase(&ended); });
  connections_.emplace(connection.get(), connection);
  connection->start();
}

}  // namespace wharf::simulation
