// New ids in the shapes of the API, from the system's random source. Any thread.
#ifndef CRIA_STORE_IDS_H_
#define CRIA_STORE_IDS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace cria::store {

std::string NewUuid4();             // RFC 4122, lower case
std::string NewChatCompletionId();  // chatcmpl-<uuid4>
std::string NewFileId();            // file-<32 hex>
std::string NewConversationId();    // conv_<48 hex>
std::string NewMessageId();         // msg_<48 hex>
std::string NewPromptId();          // pmpt_<48 hex>
std::string NewBatchId();           // batch_<16 hex>

// `prefix` and exactly `digits` lower-case hexadecimal digits.
bool IsHexId(std::string_view id, std::string_view prefix, size_t digits);
bool IsFileId(std::string_view id);
bool IsConversationId(std::string_view id);
bool IsPromptId(std::string_view id);

}  // namespace cria::store

#endif  // CRIA_STORE_IDS_H_
