import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command-line tools one after the other in one JVM, which starts once rather than a second and a half for
 * each. A line of standard input is a tool's class and its arguments, a line of the answer its exit code, what it wrote
 * to standard output and what it wrote to standard error; all in base64, separated by spaces.
 */
class KafkaTools {
  /** What a tool that wants to end the process gets instead. */
  static class Ended extends Error {
    Ended() {
      super(null, null, false, false);
    }
  }

  /** Tools keep the System.out they found: this one is given to them, and its bytes go to whichever tool runs. */
  static class Switch extends OutputStream {
    ByteArrayOutputStream current = new ByteArrayOutputStream();

    @Override
    public synchronized void write(int b) {
      current.write(b);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      current.write(bytes, from, length);
    }

    synchronized byte[] take() {
      byte[] bytes = current.toByteArray();
      current = new ByteArrayOutputStream();
      return bytes;
    }
  }

  public static void main(String[] args) throws Exception {
    PrintStream answers = System.out;
    var out = new Switch();
    var err = new Switch();
    System.setOut(new PrintStream(out, true));
    System.setErr(new PrintStream(err, true));
    List<Integer> codes = new ArrayList<>();
    Exit.Procedure end = (code, message) -> {
      codes.add(code);
      throw new Ended();
    };
    Exit.setExitProcedure(end);
    Exit.setHaltProcedure(end);
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      for (int i = 0; i < words.length; i++) words[i] = new String(Base64.getDecoder().decode(words[i]));
      codes.clear();
      int code = 0;
      try {
        var main = Class.forName(words[0]).getMethod("main", String[].class);
        main.invoke(null, (Object) List.of(words).subList(1, words.length).toArray(new String[0]));
      } catch (java.lang.reflect.InvocationTargetException e) {
        if (!(e.getCause() instanceof Ended)) {
          e.getCause().printStackTrace();
          code = 1;
        }
      }
      if (!codes.isEmpty()) code = codes.get(0);
      var encoder = Base64.getEncoder();
      answers.println(
          code + " " + encoder.encodeToString(out.take()) + " " + encoder.encodeToString(err.take()));
      answers.flush();
    }
    System.exit(0);
  }
}
