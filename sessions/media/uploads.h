#pragma once
// The files of the outbox on their way to the media servers: which row waits for which upload, in what order, and what
// happens when one fails. A file lies in the vault until its row is through, so a restart begins the upload again from
// what is there; the servers know the file by its hash, so nothing is doubled. Specification 04 section 3.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "sessions/alarms.h"
#include "sessions/context.h"
#include "sessions/media/media_hosts.h"
#include "sessions/media/media_transfers.h"

namespace wharf::sessions {

class Uploads {
 public:
  static constexpr std::size_t at_once = 2;     // of one session
  static constexpr unsigned max_attempts = 12;  // about half an hour of servers that fail
  Uploads(Context& context, MediaHosts& hosts) : c_(context), hosts_(hosts) {}

  /// Set by the outbox. Called in a turn, after the row is forgotten here.
  std::function<void(std::int64_t row, const protocol::UploadAnswer& answer)> on_uploaded;
  std::function<void(std::int64_t row, const std::string& why)> on_failed;

  /// An outbox row whose message has a file in the vault.
  void add(std::int64_t row, std::string message_id);
  /// It is not to be sent any more.
  void forget(std::int64_t row);
  /// Begins what can be begun.
  void go_on();
  std::optional<net::SteadyTime> due() const { return c_.link.online() ? pauses_.earliest() : std::nullopt; }
  void on_due();

 private:
  struct Pending {
    std::string message_id;
    enum class At { waiting, asking, sending, pausing } at = At::waiting;
    std::uint64_t transfer = 0;
    unsigned attempts = 0;
    bool asked_anew = false;  // for hosts, at once, after a token was refused
  };
  void begin(std::int64_t row, Pending& pending);
  void send(std::int64_t row, const protocol::MediaConn* hosts);
  void on_result(std::int64_t row, Transferred<protocol::UploadAnswer> result);
  void fail(std::int64_t row, const std::string& why);

  Context& c_;
  MediaHosts& hosts_;
  std::map<std::int64_t, Pending> pending_;
  Alarms<std::int64_t> pauses_;
  std::size_t active_ = 0;  // asking or sending
};

}  // namespace wharf::sessions
