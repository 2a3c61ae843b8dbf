package openreplay.otel.tests;

import static org.elasticsearch.rest.RestRequest.Method.DELETE;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import org.elasticsearch.action.support.master.AcknowledgedResponse;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.ClusterState;
import org.elasticsearch.cluster.ClusterStateUpdateTask;
import org.elasticsearch.cluster.metadata.MetadataDataStreamsService;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.action.RestToXContentListener;

/**
 * Deletes all data streams: the server used in tests makes them but has no API that deletes one, and a restart on empty
 * data takes a quarter of a minute. Not under the real API's path, as it asks for no privilege. Lines that begin with
 * 8: or 9: are for that major only (see plugin.py).
 */
public final class DataStreamDeletion extends Plugin implements ActionPlugin {
    private ClusterService clusterService;

    @Override
    public Collection<?> createComponents(PluginServices services) {
        clusterService = services.clusterService();
        return List.of();
    }

    @Override
    public Collection<RestHandler> getRestHandlers(
8:      Settings settings,
8:      org.elasticsearch.common.io.stream.NamedWriteableRegistry registry,
8:      org.elasticsearch.rest.RestController controller,
8:      org.elasticsearch.common.settings.ClusterSettings clusterSettings,
8:      org.elasticsearch.common.settings.IndexScopedSettings indexSettings,
8:      org.elasticsearch.common.settings.SettingsFilter filter,
8:      org.elasticsearch.cluster.metadata.IndexNameExpressionResolver resolver,
9:      RestHandlersServices services,
        java.util.function.Supplier<org.elasticsearch.cluster.node.DiscoveryNodes> nodes,
        java.util.function.Predicate<org.elasticsearch.features.NodeFeature> features
    ) {
        return List.of(new Handler());
    }

    private final class Handler extends BaseRestHandler {
        @Override
        public String getName() {
            return "openreplay_tests_delete_data_streams";
        }

        @Override
        public List<Route> routes() {
            return List.of(new Route(DELETE, "/_openreplay_tests/data_streams"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
            return channel -> clusterService.submitUnbatchedStateUpdateTask(
                getName(),
                new Deletion(new RestToXContentListener<>(channel))
            );
        }
    }

    private static final class Deletion extends ClusterStateUpdateTask {
        private final RestToXContentListener<AcknowledgedResponse> listener;

        Deletion(RestToXContentListener<AcknowledgedResponse> listener) {
            this.listener = listener;
        }

        @Override
        public ClusterState execute(ClusterState state) {
8:          var where = state;
8:          var streams = state.metadata().dataStreams();
9:          var where = state.projectState(org.elasticsearch.cluster.metadata.ProjectId.DEFAULT);
9:          var streams = where.metadata().dataStreams();
            return MetadataDataStreamsService.deleteDataStreams(where, new HashSet<>(streams.values()), Settings.EMPTY);
        }

        @Override
        public void clusterStateProcessed(ClusterState before, ClusterState after) {
            listener.onResponse(AcknowledgedResponse.TRUE);
        }

        @Override
        public void onFailure(Exception failure) {
            listener.onFailure(failure);
        }
    }
}
