import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders templates with Apache Velocity for the oracle test.
 *
 * <p>Reads from standard input, again and again: a template (int length, UTF-8) and its context as a
 * tagged value. Writes one byte, 1 for a result and 0 for an error, and the text (int length, UTF-8).
 */
public final class VelocityOracle {
  private static String text(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static Object value(DataInputStream in) throws IOException {
    switch (in.readByte()) {
      case 'N':
        return null;
      case 'T':
        return Boolean.TRUE;
      case 'F':
        return Boolean.FALSE;
      case 'I':
        return in.readInt();
      case 'J':
        return in.readLong();
      case 'D':
        return in.readDouble();
      case 'S':
        return text(in);
      case 'L':
        List<Object> list = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
          list.add(value(in));
        }
        return list;
      default:
        Map<String, Object> map = new LinkedHashMap<>();
        for (int left = in.readInt(); left > 0; left--) {
          String key = text(in);
          map.put(key, value(in));
        }
        return map;
    }
  }

  private static VelocityEngine engine() {
    VelocityEngine engine = new VelocityEngine();
    engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
    engine.init();
    return engine;
  }

  @SuppressWarnings("unchecked")
  public static void main(String[] arguments) throws IOException {
    java.io.PrintStream wire = System.out;
    System.setOut(System.err);
    VelocityEngine engine = engine();
    DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(System.in));
    DataOutputStream out = new DataOutputStream(wire);
    boolean hadMacros = false;
    for (long number = 0; ; number++) {
      String template;
      try {
        template = text(in);
      } catch (EOFException end) {
        return;
      }
      VelocityContext context = new VelocityContext((Map<String, Object>) value(in));
      boolean hasMacros = template.contains("#macro") || template.contains("#{macro");
      if (hasMacros || hadMacros) {
        engine = engine(); // a macro outlives its template
      }
      hadMacros = hasMacros;
      StringWriter result = new StringWriter();
      boolean ok = true;
      String answer;
      try {
        engine.evaluate(context, result, "oracle" + number, template);
        answer = result.toString();
      } catch (Exception | StackOverflowError | OutOfMemoryError problem) {
        ok = false;
        answer = problem.toString();
      }
      byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
      out.writeByte(ok ? 1 : 0);
      out.writeInt(bytes.length);
      out.write(bytes);
      out.flush();
    }
  }
}
