import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints what a read_committed consumer sees of topics of three partitions, `topic partition offset value` a line, until
 * it has met the last value in every partition. Arguments: bootstrap, the last value, topics.
 */
class ReadCommitted {
  public static void main(String[] args) {
    var settings = Map.<String, Object>of("bootstrap.servers", args[0], "isolation.level", "read_committed");
    var text = new StringDeserializer();
    try (var consumer = new KafkaConsumer<>(settings, text, text)) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (int i = 2; i < args.length; i++)
        for (int p = 0; p < 3; p++) partitions.add(new TopicPartition(args[i], p));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      for (int left = partitions.size(); left > 0; ) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          if (record.value().equals(args[1])) left--;
          else System.out.println(record.topic() + " " + record.partition() + " " + record.offset() + " " + record.value());
        }
      }
    }
  }
}
