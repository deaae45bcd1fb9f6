#include "daemon/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "net/loop_guard.h"
#include "protocol/text.h"
#include "sessions/log_value.h"

namespace wharf::daemon {
namespace {

// %* : the message of one line. Every line of the log passes here, so no text of a peer can begin a line of its own.
class OneLine final : public spdlog::custom_flag_formatter {
 public:
  explicit OneLine(LogFormat format) : format_(format) {}
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    const std::string line = log_line({message.payload.data(), message.payload.size()}, format_);
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<OneLine>(format_); }

 private:
  LogFormat format_;
};

void append_escape(std::string& out, unsigned char c) {
  constexpr char digits[] = "0123456789abcdef";
  out += "\\u00";
  out.push_back(digits[c >> 4]);
  out.push_back(digits[c & 15]);
}

}  // namespace

std::string log_line(std::string_view message, LogFormat format) {
  const std::string text = protocol::displayable(message);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    const auto next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0u;
    if (c == 0xc2 && next < 0xa0) {  // U+0080 to U+009F: terminals obey some of them
      append_escape(out, static_cast<unsigned char>(next));
      ++at;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c < 0x20 || c == 0x7f) {
      append_escape(out, c);
    } else {
      if (format == LogFormat::json && (c == '"' || c == '\\')) out.push_back('\\');
      out.push_back(text[at]);
    }
  }
  return out;
}

void start_logging(const std::string& level, const std::string& format) {
  auto logger = std::make_shared<spdlog::logger>("wharf", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto pattern = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  pattern->add_flag<OneLine>('*', format == "json" ? LogFormat::json : LogFormat::text);
  pattern->set_pattern(format == "json" ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%*"})"
                                        : "%Y-%m-%dT%H:%M:%S.%eZ %l %*");
  logger->set_formatter(std::move(pattern));
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  net::on_escape([](std::string_view where, std::string_view what) {
    spdlog::error("unexpected_exception where={} detail={}", sessions::log_value(where), sessions::log_value(what));
  });
}

// Whoever asks for shorter holds wants to know why they are: the processor time is worth its system call.
constexpr std::chrono::milliseconds looked_at_closely{20};

void report_holds(std::chrono::milliseconds at_least) {
  if (at_least.count() == 0) return net::on_hold({}, nullptr);
  const auto ms = [](std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1000; };
  const auto report = [ms](std::string_view where, net::HoldTime time) {
    const std::string worked = time.worked ? fmt::format(" cpu_ms={:.1f}", ms(*time.worked)) : std::string();
    spdlog::warn("loop_held where={} ms={:.1f}{}", sessions::log_value(where), ms(time.held), worked);
  };
  net::on_hold(at_least, report, at_least < looked_at_closely);
}

}  // namespace wharf::daemon
