#pragma once
// Where this session uploads and downloads files: media_conn, asked for when a file is to be moved and kept while it
// holds. Specification 04 section 1.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/stanzas/media_conn.h"
#include "sessions/context.h"

namespace wharf::sessions {

class MediaHosts {
 public:
  explicit MediaHosts(Context& context) : c_(context) {}

  /// nullptr: they cannot be had now (no connection, or the server does not tell). At once when they are known or
  /// nobody can be asked, otherwise in a later turn; one question serves all who ask.
  using Then = UniqueFunction<void(const protocol::MediaConn*)>;
  void get(Then then);
  /// A server refused the token: the next get() asks anew.
  void expire() {
    refresh_at_ = {};
    valid_until_ = {};
  }
  /// For downloads, which need no token: also those of an answer whose time is over.
  std::vector<std::string> download_hosts() const;

 private:
  void ask();
  void on_answer(const Node* answer);
  void answer_all();

  Context& c_;
  std::optional<protocol::MediaConn> known_;
  net::SteadyTime refresh_at_{}, valid_until_{};
  std::vector<Then> waiting_;
};

}  // namespace wharf::sessions
