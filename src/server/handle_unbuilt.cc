#include "server/handle_unbuilt.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/errors.h"

namespace cria::server {
namespace {

// A heading names the API of the routes below it.
constexpr char kRoutes[] = R"(
# Agents
POST /agents/create
POST /agents/delete
POST /agents/session/create
POST /agents/session/delete
POST /agents/session/get
GET /agents/step/get
POST /agents/turn/create
GET /agents/turn/get
GET /v1/agents
POST /v1/agents
GET /v1/agents/{agent_id}
DELETE /v1/agents/{agent_id}
POST /v1/agents/{agent_id}/session
GET /v1/agents/{agent_id}/session/{session_id}
DELETE /v1/agents/{agent_id}/session/{session_id}
POST /v1/agents/{agent_id}/session/{session_id}/turn
GET /v1/agents/{agent_id}/session/{session_id}/turn/{turn_id}
POST /v1/agents/{agent_id}/session/{session_id}/turn/{turn_id}/resume
GET /v1/agents/{agent_id}/session/{session_id}/turn/{turn_id}/step/{step_id}
GET /v1/agents/{agent_id}/sessions
GET /v1alpha/agents
POST /v1alpha/agents
GET /v1alpha/agents/{agent_id}
DELETE /v1alpha/agents/{agent_id}
POST /v1alpha/agents/{agent_id}/session
GET /v1alpha/agents/{agent_id}/session/{session_id}
DELETE /v1alpha/agents/{agent_id}/session/{session_id}
POST /v1alpha/agents/{agent_id}/session/{session_id}/turn
GET /v1alpha/agents/{agent_id}/session/{session_id}/turn/{turn_id}
POST /v1alpha/agents/{agent_id}/session/{session_id}/turn/{turn_id}/resume
GET /v1alpha/agents/{agent_id}/session/{session_id}/turn/{turn_id}/step/{step_id}
GET /v1alpha/agents/{agent_id}/sessions
POST /alpha/agents/create
POST /alpha/agents/delete
POST /alpha/agents/session/create
POST /alpha/agents/session/delete
POST /alpha/agents/session/get
POST /alpha/agents/turn/create
GET /alpha/agents/step/get
GET /alpha/agents/turn/get
# Batches
GET /v1/batches
POST /v1/batches
GET /v1/batches/{batch_id}
POST /v1/batches/{batch_id}/cancel
GET /v1/openai/v1/batches
POST /v1/openai/v1/batches
GET /v1/openai/v1/batches/{batch_id}
POST /v1/openai/v1/batches/{batch_id}/cancel
# Connectors
GET /v1beta/connectors
GET /v1beta/connectors/{connector_id}
GET /v1beta/connectors/{connector_id}/tools
GET /v1beta/connectors/{connector_id}/tools/{tool_name:path}
# Datasets
POST /datasets/create
POST /datasets/delete
GET /datasets/get
POST /v1/datasetio/append-rows/{dataset_id:path}
GET /v1/datasetio/iterrows/{dataset_id:path}
GET /v1/datasets
POST /v1/datasets
GET /v1/datasets/{dataset_id:path}
DELETE /v1/datasets/{dataset_id:path}
POST /v1beta/datasetio/append-rows/{dataset_id:path}
GET /v1beta/datasetio/iterrows/{dataset_id:path}
GET /v1beta/datasets
POST /v1beta/datasets
GET /v1beta/datasets/{dataset_id:path}
DELETE /v1beta/datasets/{dataset_id:path}
POST /alpha/datasets/register
POST /alpha/datasetio/append-rows
GET /alpha/datasets/get
GET /alpha/datasets/list
GET /alpha/datasetio/get-rows-paginated
GET /v1/datasetio/rows
POST /v1/datasetio/rows
# Eval
GET /evaluate/job/artifacts
POST /evaluate/job/cancel
GET /evaluate/job/logs
GET /evaluate/job/status
GET /evaluate/jobs
POST /evaluate/question_answering
POST /evaluate/summarization
POST /evaluate/text_generation
GET /v1/eval/benchmarks
POST /v1/eval/benchmarks
GET /v1/eval/benchmarks/{benchmark_id}
DELETE /v1/eval/benchmarks/{benchmark_id}
POST /v1/eval/benchmarks/{benchmark_id}/evaluations
POST /v1/eval/benchmarks/{benchmark_id}/jobs
GET /v1/eval/benchmarks/{benchmark_id}/jobs/{job_id}
DELETE /v1/eval/benchmarks/{benchmark_id}/jobs/{job_id}
GET /v1/eval/benchmarks/{benchmark_id}/jobs/{job_id}/result
GET /v1alpha/eval/benchmarks
POST /v1alpha/eval/benchmarks
GET /v1alpha/eval/benchmarks/{benchmark_id}
DELETE /v1alpha/eval/benchmarks/{benchmark_id}
POST /v1alpha/eval/benchmarks/{benchmark_id}/evaluations
POST /v1alpha/eval/benchmarks/{benchmark_id}/jobs
GET /v1alpha/eval/benchmarks/{benchmark_id}/jobs/{job_id}
DELETE /v1alpha/eval/benchmarks/{benchmark_id}/jobs/{job_id}
GET /v1alpha/eval/benchmarks/{benchmark_id}/jobs/{job_id}/result
POST /alpha/eval/evaluate-rows
POST /alpha/eval/run-eval
POST /alpha/eval/job/cancel
POST /alpha/eval-tasks/register
GET /alpha/eval/job/status
GET /alpha/eval/job/result
GET /alpha/eval-tasks/get
GET /alpha/eval-tasks/list
GET /v1/eval-tasks
POST /v1/eval-tasks
GET /v1/eval-tasks/{id}
POST /v1/eval/tasks/{id}/evaluations
POST /v1/eval/tasks/{id}/jobs
GET /v1/eval/tasks/{id}/jobs/{job_id}
DELETE /v1/eval/tasks/{id}/jobs/{job_id}
GET /v1/eval/tasks/{id}/jobs/{job_id}/result
# File processors
POST /v1alpha/file-processors/process
# Interactions
POST /v1alpha/interactions
# Post training
GET /post_training/job/artifacts
POST /post_training/job/cancel
GET /post_training/job/logs
GET /post_training/job/status
GET /post_training/jobs
POST /post_training/preference_optimize
POST /post_training/supervised_fine_tune
GET /v1/post-training/job/artifacts
POST /v1/post-training/job/cancel
GET /v1/post-training/job/status
GET /v1/post-training/jobs
POST /v1/post-training/preference-optimize
POST /v1/post-training/supervised-fine-tune
GET /v1alpha/post-training/job/artifacts
POST /v1alpha/post-training/job/cancel
GET /v1alpha/post-training/job/status
GET /v1alpha/post-training/jobs
POST /v1alpha/post-training/preference-optimize
POST /v1alpha/post-training/supervised-fine-tune
POST /alpha/post-training/job/cancel
POST /alpha/post-training/preference-optimize
POST /alpha/post-training/supervised-fine-tune
GET /alpha/post-training/job/artifacts
GET /alpha/post-training/job/logs
GET /alpha/post-training/job/status
GET /alpha/post-training/jobs
# Rerank
POST /v1alpha/inference/rerank
POST /v1/inference/rerank
# Responses
GET /v1/responses
POST /v1/responses
POST /v1/responses/compact
GET /v1/responses/{response_id}
DELETE /v1/responses/{response_id}
POST /v1/responses/{response_id}/cancel
GET /v1/responses/{response_id}/input_items
GET /v1/openai/v1/responses
POST /v1/openai/v1/responses
POST /v1/openai/v1/responses/compact
GET /v1/openai/v1/responses/{response_id}
DELETE /v1/openai/v1/responses/{response_id}
POST /v1/openai/v1/responses/{response_id}/cancel
GET /v1/openai/v1/responses/{response_id}/input_items
# Safety
POST /safety/run_shield
GET /shields/get
GET /shields/list
POST /v1/moderations
POST /v1/safety/run-shield
GET /v1/shields
GET /v1/shields/{identifier:path}
POST /v1/shields
DELETE /v1/shields/{identifier:path}
POST /v1/openai/v1/moderations
POST /alpha/safety/run-shield
POST /alpha/shields/register
GET /alpha/shields/get
GET /alpha/shields/list
# Scoring
POST /reward_scoring/score
GET /v1/scoring-functions
POST /v1/scoring-functions
GET /v1/scoring-functions/{scoring_fn_id:path}
DELETE /v1/scoring-functions/{scoring_fn_id:path}
POST /v1/scoring/score
POST /v1/scoring/score-batch
POST /alpha/scoring/score
POST /alpha/scoring/score-batch
POST /alpha/scoring-functions/register
GET /alpha/scoring-functions/get
GET /alpha/scoring-functions/list
# Synthetic data
POST /synthetic_data_generation/generate
POST /v1/synthetic-data-generation/generate
POST /alpha/synthetic-data-generation/generate
# Tools
GET /v1/tools
POST /v1/tool-runtime/invoke
GET /v1/tool-runtime/list-tools
POST /v1/tool-runtime/rag-tool/insert
POST /v1/tool-runtime/rag-tool/query
GET /v1/toolgroups
POST /v1/toolgroups
GET /v1/toolgroups/{toolgroup_id:path}
DELETE /v1/toolgroups/{toolgroup_id:path}
GET /v1/tools/{tool_name:path}
# Vector
POST /memory/create
POST /memory/documents/delete
POST /memory/documents/get
POST /memory/drop
GET /memory/get
POST /memory/insert
GET /memory/list
POST /memory/query
POST /memory/update
GET /memory_banks/get
GET /memory_banks/list
POST /v1/vector-io/insert
POST /v1/vector-io/query
GET /v1/vector_stores
POST /v1/vector_stores
GET /v1/vector_stores/{vector_store_id}
POST /v1/vector_stores/{vector_store_id}
DELETE /v1/vector_stores/{vector_store_id}
POST /v1/vector_stores/{vector_store_id}/file_batches
GET /v1/vector_stores/{vector_store_id}/file_batches/{batch_id}
POST /v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel
GET /v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files
GET /v1/vector_stores/{vector_store_id}/files
POST /v1/vector_stores/{vector_store_id}/files
GET /v1/vector_stores/{vector_store_id}/files/{file_id}
POST /v1/vector_stores/{vector_store_id}/files/{file_id}
DELETE /v1/vector_stores/{vector_store_id}/files/{file_id}
GET /v1/vector_stores/{vector_store_id}/files/{file_id}/content
POST /v1/vector_stores/{vector_store_id}/search
GET /v1/vector-dbs
POST /v1/vector-dbs
GET /v1/vector-dbs/{vector_db_id:path}
DELETE /v1/vector-dbs/{vector_db_id:path}
GET /v1/openai/v1/vector_stores
POST /v1/openai/v1/vector_stores
GET /v1/openai/v1/vector_stores/{vector_store_id}
POST /v1/openai/v1/vector_stores/{vector_store_id}
DELETE /v1/openai/v1/vector_stores/{vector_store_id}
POST /v1/openai/v1/vector_stores/{vector_store_id}/file_batches
GET /v1/openai/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}
POST /v1/openai/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/cancel
GET /v1/openai/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files
GET /v1/openai/v1/vector_stores/{vector_store_id}/files
POST /v1/openai/v1/vector_stores/{vector_store_id}/files
GET /v1/openai/v1/vector_stores/{vector_store_id}/files/{file_id}
POST /v1/openai/v1/vector_stores/{vector_store_id}/files/{file_id}
DELETE /v1/openai/v1/vector_stores/{vector_store_id}/files/{file_id}
GET /v1/openai/v1/vector_stores/{vector_store_id}/files/{file_id}/content
POST /v1/openai/v1/vector_stores/{vector_store_id}/search
POST /alpha/memory/insert
POST /alpha/memory/query
POST /alpha/memory-banks/register
POST /alpha/memory-banks/unregister
GET /alpha/memory-banks/get
GET /alpha/memory-banks/list
)";

boost::asio::awaitable<void> Refuse(Exchange& exchange, std::string api) {
  const Request& request = exchange.request();
  Reply reply = ErrorReply(absl::UnimplementedError(
      absl::StrCat(request.method, " ", request.path, ": the ", api,
                   " API is not served by this release; GET /v1/inspect/routes lists what is")));
  co_await exchange.Send(std::move(reply));
}

}  // namespace

void AddUnbuiltRoutes(Router* router) {
  std::string api;
  for (const absl::string_view line : absl::StrSplit(kRoutes, '\n', absl::SkipWhitespace())) {
    if (line.front() == '#') {
      api = std::string(line.substr(2));
      continue;
    }
    const std::pair<std::string, std::string> route = absl::StrSplit(line, ' ');
    RouteInfo info;
    info.operation_id = "unbuilt";
    info.summary = "Not served by this release";
    info.tag = api;
    info.generation = kUnbuiltGeneration;
    router->Add({route.first,
                 route.second,
                 [api](Exchange& exchange) { return Refuse(exchange, api); },
                 std::move(info),
                 {}});
  }
}

}  // namespace cria::server
