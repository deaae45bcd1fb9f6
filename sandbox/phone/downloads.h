#pragma once
// The files of messages that a phone got: fetched, decrypted and verified one after the other, as a phone loads them by
// itself, and once more for whoever wants to see one. Specification 04 section 4.

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sandbox/phone/context.h"
#include "sandbox/phone/file_reading.h"
#include "sandbox/phone/files.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/opened_media.h"

namespace wharf::sandbox {

class PhoneDownloads {
 public:
  PhoneDownloads(PhoneContext& context, PhoneLog& log, PhoneFiles& files) : c_(context), log_(log), files_(files) {}
  ~PhoneDownloads() { pause(); }

  /// Of a message in the log, whose media are `loading`: they become ready or failed.
  void load(const std::string& author, const std::string& id);
  /// The phone was switched off: nothing is fetched.
  void pause();
  /// Everything that is `loading` begins again; of a phone that comes from its rows as well.
  void resume();
  /// As Phone::open_media.
  void open(std::string_view id, const std::function<void(protocol::Result<OpenedMedia>)>& done) const;

 private:
  static constexpr std::uint64_t max_loaded_bytes = 256u << 20;
  static constexpr std::size_t whole_bytes = 256u << 10;  // given in one piece
  struct Wanted {
    std::string author, id;
  };
  void start_next();
  protocol::Result<void> start(const Wanted& wanted);
  void settle(const protocol::Result<void>& outcome);

  PhoneContext& c_;
  PhoneLog& log_;
  PhoneFiles& files_;
  std::deque<Wanted> queue_;  // the first is being loaded when there is a reading
  std::shared_ptr<FileReading> reading_;
  std::uint64_t loaded_bytes_ = 0;
  Bytes encrypted_;  // of the reading, when it is to be kept
};

}  // namespace wharf::sandbox
